import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { JoinPage } from "./join/JoinPage";
import { OperatorPage } from "./operator/OperatorPage";
import { ReportPage } from "./report/ReportPage";
import "./style.css";

/** Three pages, told apart by the path. */
function App() {
  const [page, id] = location.pathname.split("/").filter(Boolean);
  if (page === "join" && id) return <JoinPage id={id} />;
  if (page === "report" && id) return <ReportPage id={id} />;
  return <OperatorPage />;
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);

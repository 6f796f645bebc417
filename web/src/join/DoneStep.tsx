import { useEffect, useState } from "react";

import type { Api, Invitation } from "../api";
import { Survey } from "./Survey";

/** After the call: thanks, and the report where it is the candidate's to read. */
export function DoneStep({ api, id, first }: { api: Api; id: string; first: Invitation }) {
  const [now, setNow] = useState(first);
  useEffect(() => {
    if (now.has_report || !now.may_read_report || now.status === "cancelled") return;
    const timer = setInterval(() => {
      void api.get<Invitation>(`/interviews/${id}/invitation`).then(setNow, () => undefined);
    }, 1500);
    return () => clearInterval(timer);
  }, [api, id, now]);
  return (
    <section className="card narrow">
      <h1 tabIndex={-1}>{now.outcome === "cancelled" ? "This interview was cancelled" : `Thank you, ${now.candidate}`}</h1>
      {now.outcome !== "cancelled" && <p className="lead">The interview is over. You can close this page.</p>}
      {now.may_read_report && now.outcome !== "cancelled" ? (
        now.has_report ? (
          <a className="button primary" href={`/report/${id}#${api.token}`}>
            Read your report
          </a>
        ) : (
          <p role="status" className="loading">
            Your report is being made…
          </p>
        )
      ) : (
        now.outcome !== "cancelled" && <p>People will read what you said and decide. Ask them if you want to see the report.</p>
      )}
      {now.outcome !== "cancelled" && <Survey api={api} id={id} given={now.stars} />}
    </section>
  );
}

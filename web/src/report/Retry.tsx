import { useState } from "react";

import { type Api, type Created, words } from "../api";

/** Opens a new practice with this one question; its report compares both answers. */
export function Retry({ api, id, question }: { api: Api; id: string; question: string }) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    try {
      const made = await api.post<Created>(`/interviews/${id}/retry`, { question });
      const link = new URL(made.link);
      location.assign(link.pathname + link.hash);
    } catch (error) {
      setProblem(words(error));
      setBusy(false);
    }
  };
  return (
    <p className="no-print">
      <button onClick={() => void go()} disabled={busy}>
        Try this question again
      </button>
      {problem && <span role="alert"> {problem}</span>}
    </p>
  );
}

import { useEffect, useState } from "react";

import type { Api } from "../api";

interface Change {
  what: string;
  before: string;
  after: string;
  better: boolean | null;
}

/** The retried answer beside the earlier one; nothing where this interview retried nothing. */
export function Comparison({ api, id }: { api: Api; id: string }) {
  const [found, setFound] = useState<{ summary: string; changes: Change[] } | null>(null);
  useEffect(() => {
    api.get<{ summary: string; changes: Change[] }>(`/interviews/${id}/comparison`).then(setFound, () => setFound(null));
  }, [api, id]);
  if (!found) return null;
  return (
    <section className="card" aria-labelledby="comparison-title">
      <h2 id="comparison-title">Beside your earlier answer</h2>
      <p>{found.summary}</p>
      <ul>
        {found.changes.map((change) => (
          <li key={change.what}>
            <b>{change.better === null ? "=" : change.better ? "+" : "−"}</b> {change.what}: {change.before} → {change.after}
          </li>
        ))}
      </ul>
    </section>
  );
}

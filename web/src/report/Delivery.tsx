import { type ReactNode, useEffect, useState } from "react";

import type { Api } from "../api";
import type { DeliverySummary } from "./model";

/** Every measure against the person's own first answers, and how it changes along the interview. */
export function Delivery({ summary, names, picture }: { summary: DeliverySummary; names: Map<number, string>; picture: ReactNode }) {
  const { measures, steadiness, warm_up } = summary;
  const turns = measures[0]?.answers.map((a) => a.turn) ?? [];
  return (
    <section className="card" aria-label="Delivery">
      <h2>Delivery, against your own beginning</h2>
      <p className="muted">
        {summary.note}
        {warm_up.length > 0 && "; these answers are the warm-up and stand in italics"}.
      </p>
      {steadiness && (
        <p>
          <b>Delivery steadiness {steadiness.value} of 100</b>{" "}
          <small className="muted">
            {steadiness.parts.map((p) => `${p.name} ${Math.round(100 * p.value)}`).join(", ")}. How close later answers stay to the first ones; our own
            measure, unvalidated, and no statement about a feeling.
          </small>
        </p>
      )}
      <div className="scroll">
        <table className="delivery">
          <thead>
            <tr>
              <th scope="col">Measure</th>
              <th scope="col">Baseline</th>
              {turns.map((turn) => (
                <th key={turn} scope="col">
                  {names.get(turn) ?? turn}
                </th>
              ))}
              <th scope="col">Per minute</th>
            </tr>
          </thead>
          <tbody>
            {measures.map((measure) => (
              <tr key={measure.name}>
                <th scope="row">
                  {measure.label} {measure.unit && <small className="muted">({measure.unit})</small>}
                </th>
                <td>{number(measure.baseline)}</td>
                {measure.answers.map((answer) => (
                  <td key={answer.turn}>
                    {warm_up.includes(answer.turn) ? <i>{number(answer.value)}</i> : number(answer.value)}
                    {answer.change !== null && <small className="muted"> {signed(answer.change)}</small>}
                  </td>
                ))}
                <td>{measure.per_minute === null ? "–" : signed(measure.per_minute)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {picture}
    </section>
  );
}

/** A picture behind the API's key. It is fetched when it is asked for. */
export function Picture({ api, path, label, open = false }: { api: Api; path: string; label: string; open?: boolean }) {
  const [shown, setShown] = useState(open);
  const [url, setUrl] = useState("");
  const [missing, setMissing] = useState(false);
  useEffect(() => {
    if (!shown) return;
    let made = "";
    let gone = false;
    api.blobUrl(path).then(
      (found) => {
        made = found;
        if (gone) URL.revokeObjectURL(found);
        else setUrl(found);
      },
      () => setMissing(true),
    );
    return () => {
      gone = true;
      if (made) URL.revokeObjectURL(made);
    };
  }, [api, path, shown]);
  if (missing) return null;
  return (
    <details className="picture" open={open} onToggle={(event) => event.currentTarget.open && setShown(true)}>
      <summary>{label}</summary>
      {url && <img src={url} alt={label} />}
    </details>
  );
}

function number(value: number | null): string {
  return value === null ? "–" : value.toFixed(Math.abs(value) >= 20 ? 0 : 2);
}

function signed(value: number): string {
  return `${value > 0 ? "+" : value < 0 ? "−" : "±"}${Math.abs(value).toFixed(2)}`;
}

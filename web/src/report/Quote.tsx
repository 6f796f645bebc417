import { clock } from "../format";
import type { Span } from "./model";
import type { Player } from "./player";

/** A quote that plays. Without times (a typed answer) it is only a quote. */
export function Quote({ span, player }: { span: Span; player: Player }) {
  if (span.t0 === null || !player.url) return <q>{span.quote}</q>;
  return (
    <button className="evidence" onClick={() => player.play(span.t0!, span.t1)} title={`play from ${clock(span.t0)}`}>
      <span aria-hidden="true">▶</span> <q>{span.quote}</q> <small>{clock(span.t0)}</small>
    </button>
  );
}

import { Fragment } from "react";

import { clock } from "../format";
import { type Sentence, whyApart } from "./model";
import type { Player } from "./player";

/** What was said, sentence by sentence. What is private or only practical is greyed, with the reason after it. */
export function Transcript({ sentences, player }: { sentences: Sentence[]; player: Player }) {
  return (
    <p className="answer">
      {sentences.length === 0 && <span className="muted">No answer.</span>}
      {sentences.map((sentence, i) => (
        <Fragment key={i}>
          <Said sentence={sentence} player={player} />
          {sentence.private && sentences[i + 1]?.private !== sentence.private && <small className="apart"> [{whyApart(sentence.private)}] </small>}
        </Fragment>
      ))}
    </p>
  );
}

function Said({ sentence, player }: { sentence: Sentence; player: Player }) {
  const { text, t0, t1 } = sentence;
  const apart = sentence.private ? "apart" : "";
  if (t0 === null || !player.url) return <span className={apart}>{text} </span>;
  const now = player.playing && player.time >= t0 && player.time < (t1 ?? 0) ? "now" : "";
  return (
    <button className={`sentence ${apart} ${now}`} onClick={() => player.play(t0, t1)} title={`play from ${clock(t0)}`}>
      {text}
    </button>
  );
}

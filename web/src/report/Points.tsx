import { type Point, type QuestionReport, pointsOf } from "./model";
import type { Player } from "./player";
import { Quote } from "./Quote";

/** What was surely said to a question, what does not fit, what is open, and a guide for the person who rates. */
export function Points({ question, player }: { question: QuestionReport; player: Player }) {
  const { said, against, rest } = pointsOf(question);
  const { anchors, reader } = question.rubric;
  return (
    <>
      <Shown title="Surely said" points={said} player={player} />
      <Shown title="Does not fit" points={against} player={player} says={(point) => `These words speak against “${point.says.replace(/\.$/, "")}”.`} />
      {(question.open_probes.length > 0 || rest.length > 0) && (
        <>
          <h3>Open:</h3>
          <div className="columns">
            <Listed why="Worth asking still." items={question.open_probes} />
            <Listed
              why={`${reader ? `The ${reader} cannot be sure whether this was said.` : "Nobody could read the answer."} Listen and decide yourself.`}
              items={rest.map((point) => point.says)}
            />
          </div>
        </>
      )}
      <details className="anchors">
        <summary>A guide for the person who rates</summary>
        <dl>
          {Object.entries(anchors).map(([level, text]) => (
            <div key={level}>
              <dt>{level}</dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
      </details>
    </>
  );
}

function Shown({ title, points, player, says = (point) => point.says }: { title: string; points: Point[]; player: Player; says?: (point: Point) => string }) {
  if (!points.length) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul className="statements">
        {points.map((point) => (
          <li key={point.name}>
            <p>{says(point)}</p>
            {point.evidence && <Quote span={point.evidence} player={player} />}
          </li>
        ))}
      </ul>
    </>
  );
}

function Listed({ why, items }: { why: string; items: string[] }) {
  if (!items.length) return null;
  return (
    <div>
      <p className="muted">{why}</p>
      <ul>
        {items.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </div>
  );
}

import { type Report, spanOf } from "./model";
import type { Player } from "./player";
import { Quote } from "./Quote";

/** What is no answer to a question of ours: what the candidate asked, and practical matters for the process. */
export function Apart({ report, player }: { report: Report; player: Player }) {
  const { questions_of_the_candidate: asked, logistics } = report;
  return (
    <>
      {asked.length > 0 && (
        <section className="card">
          <h2>Questions the candidate asked</h2>
          <ul className="statements">
            {asked.map((question, i) => (
              <li key={i}>
                <Quote span={spanOf(question)} player={player} />
                <p>{question.reply ? `The reply: ${question.reply}` : "No answer was given. Please answer it."}</p>
              </li>
            ))}
          </ul>
        </section>
      )}
      {logistics.length > 0 && (
        <section className="card">
          <h2>For the process</h2>
          <p className="muted">Practical matters, kept apart from what was said to the questions.</p>
          <ul className="statements">
            {logistics.map((sentence, i) => (
              <li key={i}>
                <Quote span={spanOf(sentence)} player={player} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

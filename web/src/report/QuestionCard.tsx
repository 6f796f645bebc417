import type { ReactNode } from "react";

import { clock, plain, seconds } from "../format";
import type { Exchange, QuestionReport, Span, Statement } from "./model";
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

export function Statements({ title, items, player }: { title: string; items: Statement[]; player: Player }) {
  if (!items.length) return null;
  return (
    <section className="card">
      <h2>{title}</h2>
      <ul className="statements">
        {items.map((item, i) => (
          <li key={i}>
            <p>{item.text}</p>
            {item.evidence.map((span, j) => (
              <Quote key={j} span={span} player={player} />
            ))}
          </li>
        ))}
      </ul>
    </section>
  );
}

export function QuestionCard({
  question,
  index,
  player,
  opinionOf,
  children,
}: {
  question: QuestionReport;
  index: number;
  player: Player;
  opinionOf: (exchange: Exchange) => ReactNode;
  children?: ReactNode;
}) {
  const { rubric, timing } = question;
  return (
    <article className="card question-card" id={`q${index + 1}`}>
      <p className="eyebrow">
        Question {index + 1} · {plain(question.competency)}
      </p>
      <h2>{question.text}</h2>
      {question.skipped && <p className="muted">Skipped: {question.skipped}</p>}
      <Level question={question} />
      <p className="facts">
        <span title={timing.delay_reliable === false ? "the line's own delay is in it, and not known" : undefined}>
          answered after {timing.delay_reliable === false && "about "}
          {seconds(timing.delay_before_answering)}
        </span>
        <span>
          spoke {seconds(timing.time_spent)} of about {timing.expected.toFixed(0)} s
        </span>
      </p>
      {question.exchanges.map((exchange) => (
        <section key={exchange.turn} className="exchange">
          {exchange.kind === "follow_up" && (
            <p className="asked">
              <b>{exchange.text}</b> <small className="muted">{plain(exchange.probe ?? "follow-up")}: {exchange.why}</small>
            </p>
          )}
          <p className="answer">
            {exchange.sentences.length === 0 && <span className="muted">No answer.</span>}
            {exchange.sentences.map((sentence, i) =>
              sentence.t0 !== null && player.url ? (
                <button
                  key={i}
                  className={`sentence ${player.playing && player.time >= sentence.t0 && player.time < (sentence.t1 ?? 0) ? "now" : ""}`}
                  onClick={() => player.play(sentence.t0!, sentence.t1)}
                  title={`play from ${clock(sentence.t0)}`}
                >
                  {sentence.text}
                </button>
              ) : (
                <span key={i}>{sentence.text} </span>
              ),
            )}
          </p>
          {exchange.kind === "follow_up" && opinionOf(exchange)}
        </section>
      ))}
      {(rubric.hits.length > 0 || rubric.missed.length > 0) && (
        <div className="columns">
          {rubric.hits.length > 0 && (
            <div>
              <h3>In the answer</h3>
              <ul>
                {rubric.hits.map((hit) => (
                  <li key={hit.name}>
                    {hit.name} <Quote span={hit.evidence} player={player} />
                  </li>
                ))}
              </ul>
            </div>
          )}
          {rubric.missed.length > 0 && (
            <div>
              <h3>Not heard</h3>
              <ul>
                {rubric.missed.map((name) => (
                  <li key={name}>{name}</li>
                ))}
              </ul>
            </div>
          )}
        </div>
      )}
      {question.qualities.length > 0 && (
        <details className="qualities">
          <summary>What the rating looks at</summary>
          <dl>
            {question.qualities.map((quality) => (
              <div key={quality.name}>
                <dt>
                  {quality.name} <meter min={0} max={1} value={quality.value} aria-label={quality.name} />
                </dt>
                <dd className="muted">{quality.basis}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
      {question.try_next && (
        <div className="try">
          <h3>One thing to try</h3>
          <p>{question.try_next.text}</p>
          {question.try_next.evidence.map((span, i) => (
            <Quote key={i} span={span} player={player} />
          ))}
        </div>
      )}
      {question.feedback && (
        <div className="try">
          <h3>In a language model's words</h3>
          <p>{question.feedback.text}</p>
          {question.feedback.evidence.map((span, i) => (
            <Quote key={i} span={span} player={player} />
          ))}
          <p className="muted">{question.feedback_by}. It may be wrong; the level does not rest on it.</p>
        </div>
      )}
      {question.exercise && (
        <details>
          <summary>An exercise for this</summary>
          <p>{question.exercise.text}</p>
        </details>
      )}
      {children}
    </article>
  );
}

function Level({ question }: { question: QuestionReport }) {
  const { level, low, high, enough_evidence: enough, reason, anchors } = question.rubric;
  if (!enough || level === null) return <p className="muted">Not enough evidence for a rating: {reason}</p>;
  const spread = low !== null && high !== null && low !== high ? `, ${low} to ${high} over several passes` : "";
  return (
    <div className="level">
      <div className="scale" role="img" aria-label={`level ${level} of 5${spread}`}>
        <span className="spread" style={{ left: `${((low ?? level) - 1) * 25}%`, right: `${100 - ((high ?? level) - 1) * 25}%` }} />
        <span className="mark" style={{ left: `${(level - 1) * 25}%` }} />
      </div>
      <p>
        <b>{level} of 5</b>
        {spread} <small className="muted">{anchors[String(Math.round(level))] ?? ""}</small>
      </p>
    </div>
  );
}

import type { ReactNode } from "react";

import { plain, seconds } from "../format";
import type { Exchange, QuestionReport, Statement } from "./model";
import { Points } from "./Points";
import type { Player } from "./player";
import { Quote } from "./Quote";
import { Transcript } from "./Transcript";

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
  practice,
  opinionOf,
  children,
}: {
  question: QuestionReport;
  index: number;
  player: Player;
  practice: boolean;
  opinionOf: (exchange: Exchange) => ReactNode;
  children?: ReactNode;
}) {
  const { timing } = question;
  return (
    <article className="card question-card" id={`q${index + 1}`}>
      <p className="eyebrow">
        Question {index + 1} · {plain(question.competency)}
      </p>
      <h2>{question.text}</h2>
      {question.skipped && <p className="muted">Skipped: {question.skipped}</p>}
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
          <Transcript sentences={exchange.sentences} player={player} />
          {exchange.kind === "follow_up" && opinionOf(exchange)}
        </section>
      ))}
      {question.exchanges.length > 0 && <Points question={question} player={player} />}
      {practice && question.try_next && (
        <div className="try">
          <h3>One thing to try</h3>
          <p>{question.try_next.text}</p>
          {question.try_next.evidence.map((span, i) => (
            <Quote key={i} span={span} player={player} />
          ))}
        </div>
      )}
      {practice && question.feedback && (
        <div className="try">
          <h3>In a language model's words</h3>
          <p>{question.feedback.text}</p>
          {question.feedback.evidence.map((span, i) => (
            <Quote key={i} span={span} player={player} />
          ))}
          <p className="muted">{question.feedback_by}. It may be wrong; nothing else in this report rests on it.</p>
        </div>
      )}
      {practice && question.exercise && (
        <details>
          <summary>An exercise for this</summary>
          <p>{question.exercise.text}</p>
        </details>
      )}
      {children}
    </article>
  );
}

import { useRef, useState } from "react";

import { type Api, words } from "../api";
import { Trouble } from "../Trouble";
import { Quote } from "./Quote";
import type { Player } from "./player";
import type { Span } from "./model";

interface Message {
  who: "you" | "coach";
  text: string;
  evidence?: Span[];
}

const BEGIN = ["What was heard in my first answer?", "What should I improve?", "Give me an exercise", "Help me outline a better answer"];

/** A talk about a practice report. The server keeps nothing of it: the talk is sent whole each time. */
export function Coach({ api, id, player }: { api: Api; id: string; player: Player }) {
  const [talk, setTalk] = useState<Message[]>([]);
  const [draft, setDraft] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const field = useRef<HTMLInputElement>(null);

  const say = async (text: string) => {
    const mine: Message[] = [...talk, { who: "you", text }];
    setTalk(mine);
    setDraft("");
    setBusy(true);
    setProblem("");
    try {
      const messages = mine.slice(-100).map(({ who, text }) => ({ who, text }));
      const reply = await api.post<{ text: string; evidence: Span[] }>(`/interviews/${id}/coach`, { messages });
      setTalk([...mine, { who: "coach", text: reply.text, evidence: reply.evidence }]);
    } catch (error) {
      setProblem(words(error));
    } finally {
      setBusy(false);
      field.current?.focus();
    }
  };

  return (
    <section className="card coach no-print" aria-labelledby="coach-title">
      <h2 id="coach-title">Coach</h2>
      <p className="muted">Shows your own words, makes nothing up, and rates nothing. Nothing of this talk is stored.</p>
      <ol className="talk" aria-live="polite">
        {talk.map((message, i) => (
          <li key={i} className={message.who}>
            <span className="hidden">{message.who === "you" ? "You: " : "Coach: "}</span>
            <p>{message.text}</p>
            {message.evidence?.map((span, j) => <Quote key={j} span={span} player={player} />)}
          </li>
        ))}
      </ol>
      {talk.length === 0 && (
        <div className="row wrap">
          {BEGIN.map((text) => (
            <button key={text} onClick={() => void say(text)} disabled={busy}>
              {text}
            </button>
          ))}
        </div>
      )}
      <Trouble text={problem} />
      <form
        className="row"
        onSubmit={(event) => {
          event.preventDefault();
          if (draft.trim() && !busy) void say(draft.trim());
        }}
      >
        <label className="hidden" htmlFor="coach-say">
          Your message to the coach
        </label>
        <input id="coach-say" ref={field} value={draft} maxLength={4000} onChange={(event) => setDraft(event.target.value)} placeholder="Ask about an answer, or tell the missing fact" />
        <button className="primary" disabled={busy || !draft.trim()}>
          Send
        </button>
      </form>
    </section>
  );
}

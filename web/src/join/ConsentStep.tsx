import { useEffect, useRef, useState } from "react";

import type { Invitation } from "../api";
import { Trouble } from "../Trouble";

/** "You will talk to an AI" first, and a deliberate yes. Nothing is recorded before it. */
export function ConsentStep({ invitation, problem, onConsent }: { invitation: Invitation; problem: string; onConsent: () => Promise<void> }) {
  const [agreed, setAgreed] = useState(false);
  const [sending, setSending] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <section className="card narrow">
      <p className="eyebrow">{invitation.mode === "practice" ? "Practice interview" : "Interview"}</p>
      <h1 ref={heading} tabIndex={-1}>
        Hello {invitation.candidate}
      </h1>
      <p className="lead">
        You are about to talk to <strong>an AI interviewer, not a person</strong>. {invitation.questions === 1 ? "There is one question" : `There are ${invitation.questions} questions`}, about{" "}
        {invitation.minutes < 1.5 ? "a minute" : `${Math.round(invitation.minutes)} minutes`}.
      </p>
      <ul className="promises">
        <li>Take all the time you need. A pause to think is not the end of your answer.</li>
        <li>Interrupt, ask for a question again, skip one, or type instead of speaking.</li>
        <li>If the connection breaks, open this link again: you go on where you stopped.</li>
        {invitation.mode === "screen" && <li>A person decides. Nothing is inferred from your accent, face or feelings.</li>}
      </ul>
      <label className="consent">
        <input type="checkbox" checked={agreed} onChange={(e) => setAgreed(e.target.checked)} />
        <span>
          I agree. <small>{invitation.consent_text}</small>
        </span>
      </label>
      <Trouble text={problem} />
      <button
        className="primary"
        disabled={!agreed || sending}
        onClick={() => {
          setSending(true);
          void onConsent().finally(() => setSending(false));
        }}
      >
        Continue
      </button>
    </section>
  );
}

import { useState } from "react";

import type { Api } from "../api";
import { Trouble } from "../Trouble";

const WORDS = ["poor", "not so good", "all right", "good", "very good"];

/** The one question after the interview. It is optional, and stored with the interview. */
export function Survey({ api, id, given }: { api: Api; id: string; given: number | null }) {
  const [stars, setStars] = useState<number | null>(null);
  const [mayTeach, setMayTeach] = useState(false);
  const [sent, setSent] = useState(given !== null);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  if (sent) return <p role="status">Thank you for your opinion.</p>;
  const send = async () => {
    setBusy(true);
    setTrouble("");
    try {
      await api.post(`/interviews/${id}/opinion`, { stars, may_teach: mayTeach });
      setSent(true);
    } catch (error) {
      setTrouble(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="survey"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <fieldset>
        <legend>One question, if you like: how were the questions you were asked?</legend>
        {WORDS.map((word, i) => (
          <label key={word} className="choice">
            <input type="radio" name="stars" value={i + 1} checked={stars === i + 1} onChange={() => setStars(i + 1)} /> {word}
          </label>
        ))}
      </fieldset>
      <label className="choice">
        <input type="checkbox" checked={mayTeach} onChange={(event) => setMayTeach(event.target.checked)} /> My words may be used, without my
        name, to improve the questions.
      </label>
      <button className="button" type="submit" disabled={stars === null || busy}>
        Send
      </button>
      <Trouble text={trouble} />
    </form>
  );
}

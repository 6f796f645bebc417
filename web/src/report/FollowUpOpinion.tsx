import { useId, useState } from "react";

import { type Api, words } from "../api";
import { Trouble } from "../Trouble";
import type { FollowUpOpinion as Opinion } from "./model";

/** What the reader thinks of a follow-up: good, poor, or how it should have been asked. Stored at once; the last word counts. */
export function FollowUpOpinion({ api, id, asked, given, onGiven }: { api: Api; id: string; asked: string; given: Opinion; onGiven: (opinion: Opinion) => void }) {
  const [wording, setWording] = useState<string | null>(null); // null: not being reworded
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  const field = useId();
  const send = async (change: Partial<Opinion>, body: object) => {
    setBusy(true);
    setTrouble("");
    try {
      await api.post(`/interviews/${id}/opinion`, body);
      onGiven({ ...given, ...change });
      setWording(null);
    } catch (error) {
      setTrouble(words(error));
    } finally {
      setBusy(false);
    }
  };
  const thumb = (up: boolean, label: string) => (
    <button
      className="thumb"
      aria-pressed={given.up === up}
      disabled={busy}
      onClick={() => given.up !== up && void send({ up }, up ? { up: [given.turn] } : { down: [given.turn] })}
    >
      {label}
    </button>
  );
  const better = (wording ?? "").trim();
  return (
    <div className="opinion no-print">
      <div className="row" role="group" aria-label={`Your opinion of: ${asked}`}>
        {thumb(true, "Good question")}
        {thumb(false, "Poor question")}
        {wording === null && <button onClick={() => setWording(given.reworded || asked)}>Word it better</button>}
      </div>
      {wording !== null && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void send({ reworded: better }, { reworded: { [given.turn]: better } });
          }}
        >
          <label htmlFor={field}>How would you have asked it?</label>
          <textarea id={field} rows={2} minLength={3} maxLength={300} value={wording} onChange={(event) => setWording(event.target.value)} autoFocus />
          <div className="row">
            <button className="primary" type="submit" disabled={busy || better.length < 3 || better === asked || better === given.reworded}>
              Keep this wording
            </button>
            <button type="button" onClick={() => setWording(null)}>
              Cancel
            </button>
          </div>
        </form>
      )}
      {given.reworded && wording === null && (
        <p className="muted">
          Better: <q>{given.reworded}</q>
        </p>
      )}
      <Trouble text={trouble} />
    </div>
  );
}

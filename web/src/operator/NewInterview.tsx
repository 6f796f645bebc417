import { useState } from "react";

import { type Api, type Created, words } from "../api";
import { Trouble } from "../Trouble";

/** The form. A resume or a job description may be a PDF, a DOCX or text. */
export function NewInterview({ api, onMade }: { api: Api; onMade: (created: Created) => void }) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (form: HTMLFormElement) => {
    setBusy(true);
    setProblem("");
    try {
      const data = new FormData(form);
      const text = (name: string) => String(data.get(name) ?? "").trim();
      const body: Record<string, unknown> = {
        candidate: text("candidate") || "Candidate",
        role: text("role"),
        level: text("level"),
        pack: text("pack"),
        returning: data.get("returning") === "on",
        mode: text("mode"),
        minutes: Number(text("minutes")),
        about: text("about"),
        ...(await attached("resume", data)),
        ...(await attached("job", data)),
      };
      onMade(await api.post<Created>("/interviews", body));
      form.reset();
    } catch (error) {
      setProblem(words(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="card"
      onSubmit={(event) => {
        event.preventDefault();
        void submit(event.currentTarget);
      }}
    >
      <h1>New interview</h1>
      <label className="field">
        Candidate's name
        <input name="candidate" maxLength={80} placeholder="Candidate" autoComplete="off" />
      </label>
      <fieldset className="choice">
        <legend>What for</legend>
        <label>
          <input type="radio" name="mode" value="practice" defaultChecked /> <b>Practice</b> <small>coaching, the candidate's own report</small>
        </label>
        <label>
          <input type="radio" name="mode" value="screen" /> <b>Screen</b> <small>hiring: equal for all, a person decides</small>
        </label>
      </fieldset>
      <div className="row">
        <label className="field">
          Role
          <input name="role" maxLength={120} placeholder="e.g. Data engineer" />
        </label>
        <label className="field">
          Level
          <select name="level" defaultValue="">
            <option value="">Any</option>
            <option value="junior">Junior</option>
            <option value="mid">Mid</option>
            <option value="senior">Senior</option>
          </select>
        </label>
        <label className="field">
          Minutes
          <input name="minutes" type="number" min={1} max={120} defaultValue={10} required />
        </label>
      </div>
      <label className="field">
        Questions
        <select name="pack" defaultValue="phone-screen">
          <option value="phone-screen">General phone screen</option>
          <option value="auto">By role and job description</option>
        </select>
      </label>
      <label className="check">
        <input type="checkbox" name="returning" /> The same person practised here before under this name{" "}
        <small className="muted">weak spots come back (practice only)</small>
      </label>
      <label className="field">
        Resume <small className="muted">optional, PDF, DOCX or text</small>
        <input name="resume" type="file" accept=".pdf,.docx,.txt,.md,application/pdf,text/plain" />
      </label>
      <label className="field">
        Job description <small className="muted">optional, PDF, DOCX or text</small>
        <input name="job" type="file" accept=".pdf,.docx,.txt,.md,application/pdf,text/plain" />
      </label>
      <label className="field">
        What may I tell of the job? <small className="muted">optional; your sentences are spoken when a candidate asks</small>
        <textarea name="about" rows={4} maxLength={39000} placeholder="The salary is between 48,000 and 55,000 a year. Two days a week are from home." />
      </label>
      <Trouble text={problem} />
      <button className="primary" disabled={busy}>
        Make the interview
      </button>
    </form>
  );
}

async function attached(name: string, data: FormData): Promise<Record<string, string>> {
  const file = data.get(name);
  if (!(file instanceof File) || !file.size) return {};
  const isText = /\.(txt|md)$/i.test(file.name) || file.type.startsWith("text/");
  if (isText) return { [name]: await file.text() };
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return { [`${name}_pdf`]: btoa(binary) };
}

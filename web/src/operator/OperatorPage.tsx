import { useCallback, useEffect, useMemo, useState } from "react";

import { Api, type Created, Problem, type Summary, words } from "../api";
import { Shell } from "../Shell";
import { when } from "../format";
import { Trouble } from "../Trouble";
import { LivePanel } from "./LivePanel";
import { NewInterview } from "./NewInterview";
import { StatusBadge } from "./StatusBadge";
import { operatorKey, rememberKey } from "./key";

const REFRESH = 3000; // ms

/** Make an interview, pass its link on, watch it, read its report. */
export function OperatorPage() {
  const [key, setKey] = useState(operatorKey);
  const api = useMemo(() => new Api(key), [key]);
  const [interviews, setInterviews] = useState<Summary[] | null>(null);
  const [problem, setProblem] = useState("");
  const [selected, setSelected] = useState("");
  const [made, setMade] = useState<Created | null>(null);

  const load = useCallback(async () => {
    if (!key) return;
    try {
      setInterviews(await api.get<Summary[]>("/interviews"));
      setProblem("");
    } catch (error) {
      setProblem(words(error));
      if (error instanceof Problem && error.status === 401) setKey("");
    }
  }, [api, key]);

  useEffect(() => {
    void load();
    const timer = setInterval(() => void load(), REFRESH);
    return () => clearInterval(timer);
  }, [load]);

  if (!key) {
    return (
      <Shell>
        <form
          className="card narrow"
          onSubmit={(event) => {
            event.preventDefault();
            const value = (event.currentTarget.elements.namedItem("key") as HTMLInputElement).value.trim();
            rememberKey(value);
            setKey(value);
          }}
        >
          <h1>Operator</h1>
          <p>
            Open the link that <code>viva up</code> printed, or paste the operator's key.
          </p>
          <Trouble text={problem} />
          <label className="field">
            Key
            <input name="key" type="password" autoComplete="current-password" required autoFocus />
          </label>
          <button className="primary">Open</button>
          <p className="muted">Candidates need no key: they open the link they were sent.</p>
        </form>
      </Shell>
    );
  }
  return (
    <Shell title="Interviews" wide>
      <div className="operator">
        <div>
          <NewInterview
            api={api}
            onMade={(created) => {
              setMade(created);
              setSelected(created.id);
              void load();
            }}
          />
        </div>
        <div>
          <Trouble text={problem} />
          {selected && <LivePanel key={selected} api={api} id={selected} link={made?.id === selected ? made.link : ""} onChange={load} />}
          <section className="card">
            <h2>All interviews</h2>
            {interviews === null && <p className="loading">Loading…</p>}
            {interviews?.length === 0 && <p className="muted">None yet. Make one: it takes a moment, and you can try it yourself.</p>}
            {!!interviews?.length && (
              <table className="list">
                <thead>
                  <tr>
                    <th scope="col">Candidate</th>
                    <th scope="col">Interview</th>
                    <th scope="col">State</th>
                    <th scope="col">Made</th>
                    <th scope="col">
                      <span className="hidden">Report</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {interviews.map((one) => (
                    <tr key={one.id} aria-selected={one.id === selected}>
                      <td>
                        <button className="link" onClick={() => setSelected(one.id)}>
                          {one.candidate}
                        </button>
                      </td>
                      <td>
                        {one.title} <small className="muted">{one.mode}</small>
                      </td>
                      <td>
                        <StatusBadge status={one.status} /> {one.asked}/{one.questions}
                      </td>
                      <td className="muted">{when(one.created)}</td>
                      <td>{one.has_report && <a href={`/report/${one.id}`}>Report</a>}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </section>
        </div>
      </div>
    </Shell>
  );
}

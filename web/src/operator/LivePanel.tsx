import { useCallback, useEffect, useRef, useState } from "react";

import { type Api, type Created, type Details, words } from "../api";
import { follow } from "../events";
import { clock } from "../format";
import { Trouble } from "../Trouble";
import { StatusBadge } from "./StatusBadge";
import { type LogEvent, type LogLine, lineOf } from "./live";

/** One interview: its link, what happens in it now, and what can be done about it. */
export function LivePanel({ api, id, link, onChange }: { api: Api; id: string; link: string; onChange: () => Promise<void> }) {
  const [details, setDetails] = useState<Details | null>(null);
  const [shown, setShown] = useState(link);
  const [lines, setLines] = useState<LogLine[]>([]);
  const [problem, setProblem] = useState("");
  const [copied, setCopied] = useState(false);
  const log = useRef<HTMLOListElement>(null);

  const load = useCallback(async () => {
    try {
      setDetails(await api.get<Details>(`/interviews/${id}`));
    } catch (error) {
      setProblem(words(error));
    }
  }, [api, id]);

  useEffect(() => {
    void load();
    const stop = new AbortController();
    let wait: ReturnType<typeof setTimeout> | undefined;
    void follow(
      api,
      `/interviews/${id}/live`,
      (event) => {
        const line = lineOf(JSON.parse(event.data) as LogEvent);
        if (line) setLines((before) => [...before, line]);
        clearTimeout(wait);
        wait = setTimeout(() => void load(), 300);
      },
      stop.signal,
    );
    const timer = setInterval(() => void load(), 5000);
    return () => {
      stop.abort();
      clearTimeout(wait);
      clearInterval(timer);
    };
  }, [api, id, load]);
  useEffect(() => {
    void log.current?.scrollTo({ top: log.current.scrollHeight });
  }, [lines]);

  const act = async (path: string, body: unknown = {}) => {
    try {
      setProblem("");
      await api.post(`/interviews/${id}/${path}`, body);
      await Promise.all([load(), onChange()]);
    } catch (error) {
      setProblem(words(error));
    }
  };
  if (!details) return <section className="card">{problem || "Loading…"}</section>;
  const over = details.status === "ended" || details.status === "cancelled";
  return (
    <section className="card live" aria-label="Selected interview">
      <div className="row spread">
        <h2>
          {details.candidate} <StatusBadge status={details.status} />
        </h2>
        {details.has_report && (
          <a className="button primary" href={`/report/${id}`}>
            Read the report
          </a>
        )}
      </div>
      {!over && (
        <div className="row">
          {shown ? (
            <>
              <input className="grow" readOnly value={shown} aria-label="Link for the candidate" onFocus={(e) => e.target.select()} />
              <button
                onClick={() =>
                  void navigator.clipboard.writeText(shown).then(
                    () => setCopied(true),
                    () => setProblem("Copying is not allowed here; select the link and copy it."),
                  )
                }
              >
                {copied ? "Copied" : "Copy"}
              </button>
              <a className="button" href={shown} target="_blank" rel="noreferrer">
                Open
              </a>
            </>
          ) : (
            <button onClick={() => void api.post<Created>(`/interviews/${id}/link`).then((c) => setShown(c.link), (e) => setProblem(words(e)))}>
              Show the candidate's link
            </button>
          )}
        </div>
      )}
      {details.current_question && !over && (
        <p>
          <b>Open question:</b> {details.current_question}
        </p>
      )}
      <Trouble text={problem || details.trouble} />
      <ol className="log" tabIndex={0} ref={log} aria-live="polite" aria-label="What happens">
        {lines.map((line, i) => (
          <li key={i} className={line.who}>
            <small>{clock(line.t)}</small> {line.text}
          </li>
        ))}
        {lines.length === 0 && <li className="muted">Nothing yet: the candidate has not opened the link.</li>}
      </ol>
      {!over && (
        <div className="row" role="toolbar" aria-label="Act">
          {details.agent_there && details.floor === "agent" && (
            <>
              <button onClick={() => void act("control", { kind: "yield", to: "panel" })}>Hand over to a person</button>
              <button onClick={() => void act("control", { kind: "yield", to: "notes" })}>Only take notes</button>
            </>
          )}
          {details.agent_there && details.floor !== "agent" && (
            <button className="primary" onClick={() => void act("control", { kind: "take_back" })}>
              Let the agent go on
            </button>
          )}
          <button className="danger quiet" onClick={() => confirm("End this interview now?") && void act("cancel")}>
            {details.agent_there ? "End it" : "Cancel it"}
          </button>
        </div>
      )}
    </section>
  );
}

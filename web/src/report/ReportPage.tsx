import { useEffect, useMemo, useState } from "react";

import { Api, words } from "../api";
import { Shell } from "../Shell";
import { clock, plain } from "../format";
import { operatorKey } from "../operator/key";
import { Trouble } from "../Trouble";
import { Apart } from "./Apart";
import { Charts } from "./Charts";
import { Coach } from "./Coach";
import { Comparison } from "./Comparison";
import { Delivery, Picture } from "./Delivery";
import { FollowUpOpinion } from "./FollowUpOpinion";
import { QuestionCard, Statements } from "./QuestionCard";
import { Retry } from "./Retry";
import { Timeline } from "./Timeline";
import { SCHEMA_VERSION, type Exchange, type FollowUpOpinion as FollowUpOpinionGiven, type Opinions, type Report, type TranscriptLine, measuredOf, namesOf } from "./model";
import { usePlayer } from "./player";

/** The report, made from report.json alone; every quote plays. */
export function ReportPage({ id }: { id: string }) {
  const api = useMemo(() => new Api(location.hash.slice(1) || operatorKey()), []);
  const [report, setReport] = useState<Report | null>(null);
  const [lines, setLines] = useState<TranscriptLine[]>([]);
  const [opinions, setOpinions] = useState<Opinions | null>(null);
  const [sound, setSound] = useState("");
  const [problem, setProblem] = useState("");
  const player = usePlayer(sound);

  useEffect(() => {
    let url = "";
    const load = async () => {
      try {
        const found = await api.get<Report>(`/interviews/${id}/report`);
        if (found.schema_version !== SCHEMA_VERSION) {
          setProblem(`This report is of an earlier version. Write it again with: viva report ${id}`);
          return;
        }
        setReport(found);
        document.title = `${found.title}: ${found.candidate}`;
        setLines(await api.get<TranscriptLine[]>(`/interviews/${id}/transcript`));
        setOpinions(await api.get<Opinions>(`/interviews/${id}/opinion`));
        if (found.recording) setSound((url = await api.blobUrl(`/interviews/${id}/recording.wav`)));
      } catch (error) {
        setProblem(words(error));
      }
    };
    void load();
    return () => URL.revokeObjectURL(url);
  }, [api, id]);

  if (!report) {
    return (
      <Shell>
        {problem ? (
          <section className="card narrow" role="alert">
            <h1>No report to show</h1>
            <p>{problem}</p>
          </section>
        ) : (
          <p className="loading" role="status">
            Opening the report…
          </p>
        )}
      </Shell>
    );
  }
  const { overall } = report;
  const practice = report.mode === "practice";
  const opinionOf = ({ turn, text }: Exchange) => {
    const given = opinions?.follow_ups.find((opinion) => opinion.turn === turn);
    if (!opinions || !given) return null;
    const onGiven = (opinion: FollowUpOpinionGiven) => setOpinions((all) => all && { ...all, follow_ups: all.follow_ups.map((o) => (o.turn === turn ? opinion : o)) });
    return <FollowUpOpinion api={api} id={id} asked={text} given={given} onGiven={onGiven} />;
  };
  return (
    <Shell title={report.title} wide>
      <div className="report-head">
        <div>
          <p className="eyebrow">
            {report.mode} · {plain(report.outcome)}
          </p>
          <h1>{report.candidate}</h1>
          <p className="muted">
            {new Date(report.created_at).toLocaleString()} · {clock(report.duration)} min · {report.questions.length === 1 ? "one question" : `${report.questions.length} questions`}
          </p>
        </div>
        <button className="no-print" onClick={() => print()}>
          Print or save as PDF
        </button>
      </div>
      <Trouble text={problem} />
      <section className="card player">
        <div className="row no-print">
          <button className="primary" onClick={player.toggle} disabled={!sound}>
            {player.playing ? "Pause" : "Play"}
          </button>
          <span className="number">
            {clock(player.time)} / {clock(report.duration)}
          </span>
        </div>
        <Timeline report={report} lines={lines} player={player} />
        {report.holes.map((hole, i) => (
          <p key={i} className="muted">
            The call was cut at {clock(hole.at)}, for {hole.gap.toFixed(0)} s. Nothing is measured across it.
          </p>
        ))}
        <audio ref={player.audio} src={sound || undefined} preload="auto" />
      </section>
      <div className="columns">
        <Statements title="What was surely said" items={overall.said} player={player} />
        <Statements title="What does not fit" items={overall.contradicted} player={player} />
        <Statements title="Time" items={overall.time_management} player={player} />
        {practice && <Statements title="What to try next" items={overall.practice_plan} player={player} />}
      </div>
      {practice && <Comparison api={api} id={id} />}
      {report.questions.map((question, i) => (
        <QuestionCard key={question.id} question={question} index={i} player={player} practice={practice} opinionOf={opinionOf}>
          {sound &&
            question.exchanges
              .filter((e) => e.delivery)
              .map((e) => (
                <Picture key={e.turn} api={api} path={`/interviews/${id}/answers/${e.turn}.png`} label={e.kind === "core" ? "Picture of this answer" : "Picture of the answer to the follow-up"} />
              ))}
          {practice && question.exchanges.length > 0 && <Retry api={api} id={id} question={question.id} />}
        </QuestionCard>
      ))}
      <Apart report={report} player={player} />
      {opinions && opinions.follow_ups.length > 0 && (
        <p className="muted no-print">
          What you think of the follow-ups is kept with the interview.{" "}
          {opinions.may_teach ? "It may improve the questions, without names: the candidate has agreed." : "It teaches the model nothing unless the candidate agrees to that."}
        </p>
      )}
      {practice && <Coach api={api} id={id} player={player} />}
      <Charts answers={measuredOf(report)} />
      {report.delivery && <Delivery summary={report.delivery} names={namesOf(report)} picture={<Picture api={api} path={`/interviews/${id}/distributions.png`} label={practice ? "How these numbers are spread, beside those of earlier practice" : "How these numbers are spread over the answers"} open />} />}
      <footer className="limits">
        {report.limits.map((limit) => (
          <p key={limit}>{limit}</p>
        ))}
        <p>
          {Object.entries(report.engines)
            .map(([part, engine]) => `${part}: ${engine}`)
            .join(" · ")}
        </p>
        {report.left_out > 0 && <p>{report.left_out === 1 ? "One sentence is" : `${report.left_out} sentences are`} left out of everything but the transcript.</p>}
      </footer>
    </Shell>
  );
}

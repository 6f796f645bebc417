/** The public report (prompts/schemas/report.schema.json), as far as the page shows it. */

export interface Span {
  quote: string;
  t0: number | null;
  t1: number | null;
}

export interface Statement {
  text: string;
  evidence: Span[];
}

export interface Delivery {
  start: number;
  end: number;
  response_delay: number | null;
  response_delay_reliable?: boolean;
  speaking_time: number;
  silent_pauses: { start: number; end: number }[];
  longest_pause: number;
  pause_rate: number;
  filled_pauses: { start: number; end: number; word: string }[];
  filler_words: string[];
  words_per_minute: number | null;
}

/** `private`: why it is left out of everything but the transcript, or "logistics"; empty for the rest. */
export interface Sentence {
  text: string;
  t0: number | null;
  t1: number | null;
  private: string;
}

/** A key point; `evidence` where it was said or contradicted. */
export interface Point {
  name: string;
  says: string;
  state: "said" | "contradicted" | "not_found" | "unsure";
  evidence: Span | null;
}

export interface Exchange {
  turn: number;
  kind: "core" | "follow_up";
  probe: string | null;
  text: string;
  why: string;
  aimed_at: Span | null;
  sentences: Sentence[];
  intent: string | null;
  delivery: Delivery | null;
}

export interface QuestionReport {
  id: string;
  competency: string;
  text: string;
  exchanges: Exchange[];
  rubric: { anchors: Record<string, string>; points: Point[]; reader: string };
  /** Follow-ups that are still worth asking. */
  open_probes: string[];
  timing: { delay_before_answering: number | null; delay_reliable?: boolean; time_spent: number; expected: number };
  try_next: Statement | null;
  exercise: Statement | null;
  feedback: Statement | null;
  feedback_by: string;
  skipped: string | null;
}

export interface Report {
  schema_version: string;
  session: string;
  title: string;
  mode: string;
  candidate: string;
  created_at: string;
  duration: number;
  recording: string | null;
  outcome: string;
  engines: Record<string, string>;
  holes: { at: number; gap: number }[];
  questions: QuestionReport[];
  overall: {
    said: Statement[];
    contradicted: Statement[];
    time_management: Statement[];
    practice_plan: Statement[];
    talk_ratio: number | null;
  };
  delivery?: DeliverySummary | null;
  questions_of_the_candidate: { text: string; t0: number | null; t1: number | null; turn: number; reply: string }[];
  /** For the process, apart from what was said to the questions. */
  logistics: Sentence[];
  left_out: number;
  limits: string[];
}

/** Delivery against the person's own first answers. */
export interface DeliverySummary {
  warm_up: number[];
  warm_up_seconds: number;
  measures: {
    name: string;
    label: string;
    unit: string;
    baseline: number | null;
    answers: { turn: number; value: number | null; change: number | null }[];
    per_minute: number | null;
  }[];
  steadiness: { value: number; parts: { name: string; value: number; baseline: number }[]; answers: number } | null;
  note: string;
}

/** What was thought of a follow-up so far; `up` is null before anything was, `reworded` empty. */
export interface FollowUpOpinion {
  turn: number;
  up: boolean | null;
  reworded: string;
}

export interface Opinions {
  stars: number | null;
  may_teach: boolean;
  follow_ups: FollowUpOpinion[];
}

export interface TranscriptLine {
  who: "agent" | "candidate" | "system";
  text: string;
  start: number;
  end: number;
  /** Kinds of private matters in it, as far as it was read. */
  private?: string[];
}

/** The version of reports that this page shows. */
export const SCHEMA_VERSION = "2";

/** A sentence as a piece of evidence plays it. */
export function spanOf({ text, t0, t1 }: { text: string; t0: number | null; t1: number | null }): Span {
  return { quote: text, t0, t1 };
}

/** Why a sentence stands apart from the answer. */
export function whyApart(kind: string): string {
  return kind === "logistics" ? "for the process" : `left out of everything but this transcript: ${kind.replace(/_/g, " ")}`;
}

/** What a line's tooltip says: nothing of what is private. */
export function titleOf(line: TranscriptLine): string {
  const apart = line.private ?? [];
  return apart.length ? `(${apart.map(whyApart).join("; ")})` : line.text;
}

/** The key points by what is known of them. `rest`: nobody can be sure. */
export function pointsOf({ rubric }: QuestionReport): { said: Point[]; against: Point[]; rest: Point[] } {
  const said = rubric.points.filter((p) => p.state === "said" && p.evidence);
  const against = rubric.points.filter((p) => p.state === "contradicted" && p.evidence);
  return { said, against, rest: rubric.points.filter((p) => !said.includes(p) && !against.includes(p)) };
}

/** One answer in the charts: its name and what was measured of it. */
export interface Measured {
  name: string;
  delivery: Delivery;
}

export function measuredOf(report: Report): Measured[] {
  const names = namesOf(report);
  return report.questions.flatMap((question) => question.exchanges.flatMap((e) => (e.delivery ? [{ name: names.get(e.turn)!, delivery: e.delivery }] : [])));
}

/** Turn to what an answer is called. */
export function namesOf(report: Report): Map<number, string> {
  return new Map(report.questions.flatMap((question, i) => question.exchanges.map((e) => [e.turn, e.kind === "core" ? `Q${i + 1}` : `Q${i + 1} follow-up`] as const)));
}

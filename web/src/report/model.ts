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

export interface Exchange {
  turn: number;
  kind: "core" | "follow_up";
  probe: string | null;
  text: string;
  why: string;
  aimed_at: Span | null;
  sentences: { text: string; t0: number | null; t1: number | null }[];
  intent: string | null;
  delivery: Delivery | null;
}

export interface QuestionReport {
  id: string;
  competency: string;
  text: string;
  exchanges: Exchange[];
  rubric: {
    level: number | null;
    low: number | null;
    high: number | null;
    enough_evidence: boolean;
    reason: string;
    anchors: Record<string, string>;
    hits: { name: string; evidence: Span }[];
    missed: string[];
  };
  qualities: { name: string; value: number; basis: string }[];
  timing: { delay_before_answering: number | null; delay_reliable?: boolean; time_spent: number; expected: number };
  try_next: Statement | null;
  exercise: Statement | null;
  feedback: Statement | null;
  feedback_by: string;
  skipped: string | null;
}

export interface Report {
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
    strengths: Statement[];
    weaknesses: Statement[];
    time_management: Statement[];
    practice_plan: Statement[];
    talk_ratio: number | null;
  };
  delivery?: DeliverySummary | null;
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

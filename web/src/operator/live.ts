/** The log as an operator reads it while it grows. Pure. */

export interface LogEvent {
  kind: string;
  t: number;
  text?: string;
  why?: string;
  probe?: string;
  gap?: number;
  reason?: string;
  to?: string;
  by?: string;
}

export interface LogLine {
  t: number;
  who: "agent" | "candidate" | "note";
  text: string;
}

export function lineOf(event: LogEvent): LogLine | null {
  const { t, text = "" } = event;
  switch (event.kind) {
    case "spoken":
      return { t, who: "agent", text };
    case "heard":
    case "noted":
      return { t, who: "candidate", text };
    case "followed":
      return { t, who: "note", text: `follow-up (${event.probe}): ${event.why}` };
    case "consented":
      return { t, who: "note", text: "consent was given" };
    case "resumed":
      return { t, who: "note", text: `back after a cut of ${(event.gap ?? 0).toFixed(0)} s` };
    case "interrupted":
      return { t, who: "note", text: "the candidate interrupted" };
    case "skipped":
      return { t, who: "note", text: `skipped: ${event.reason}` };
    case "yielded":
      return { t, who: "note", text: event.to === "notes" ? "the agent only takes notes" : "a person has the floor" };
    case "took_back":
      return { t, who: "note", text: "the agent has the floor again" };
    case "ended":
      return { t, who: "note", text: `over: ${(event.reason ?? "").replace(/_/g, " ")}` };
    default:
      return null;
  }
}

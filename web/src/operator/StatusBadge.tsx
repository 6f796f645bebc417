import type { Status } from "../api";

const WORDS: Record<Status, string> = {
  invited: "invited",
  consented: "ready",
  live: "live",
  waiting: "waiting for the candidate",
  ended: "over",
  cancelled: "cancelled",
  unreadable: "cannot be read",
};

export function StatusBadge({ status }: { status: Status }) {
  return <span className={`badge ${status}`}>{WORDS[status]}</span>;
}

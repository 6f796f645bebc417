/** Whose turn it is, in words. Pure, so that the wording is tested. */

export type Phase = "waiting" | "speaking" | "listening" | "thinking" | "paused" | "silent" | "ended" | "";

export const THINKING_AFTER = 2.5; // s without the candidate's voice, in which "take your time" appears

export interface Turn {
  title: string;
  hint: string;
  tone: "agent" | "candidate" | "quiet" | "trouble";
}

export const LATE_AFTER = 12; // s without an agent, after which "a second or two" would be a lie

export function turnOf(phase: Phase, connected: boolean, quietFor: number, waitedFor = 0): Turn {
  if (!connected) {
    return { title: "Reconnecting", hint: "Nothing you said is lost. We go on in a moment.", tone: "trouble" };
  }
  switch (phase) {
    case "speaking":
      return { title: "Viva is speaking", hint: "You may interrupt at any time.", tone: "agent" };
    case "listening":
      return quietFor >= THINKING_AFTER
        ? { title: "Take your time", hint: "Thinking is fine. Nothing is cut off.", tone: "candidate" }
        : { title: "Your turn", hint: "Viva is listening.", tone: "candidate" };
    case "thinking":
      return { title: "One moment", hint: "Viva is working out what to ask next.", tone: "quiet" };
    case "paused":
      return { title: "Paused", hint: "Start speaking, or press Go on, when you are ready.", tone: "candidate" };
    case "silent":
      return { title: "A person has the floor", hint: "Viva listens and takes notes.", tone: "quiet" };
    case "ended":
      return { title: "That was it", hint: "Thank you for your time.", tone: "quiet" };
    default:
      if (waitedFor >= LATE_AFTER) {
        return { title: "Viva is busy", hint: "You are next: stay here, and it begins by itself.", tone: "quiet" };
      }
      return { title: "Viva is joining", hint: "This takes a second or two.", tone: "quiet" };
  }
}

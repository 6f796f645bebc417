/** Server-sent events over fetch, because EventSource cannot send a key. Goes on after the last event it had. */

import type { Api } from "./api";

export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

/** Whole events in a piece of stream, and the rest that is not whole yet. */
export function parseEvents(buffer: string): { events: ServerEvent[]; rest: string } {
  const parts = buffer.split("\n\n");
  const rest = parts.pop() ?? "";
  const events = parts.flatMap((part) => {
    const found: ServerEvent = { id: "", event: "message", data: "" };
    for (const line of part.split("\n")) {
      const [name, ...value] = line.split(":");
      const text = value.join(":").replace(/^ /, "");
      if (name === "id") found.id = text;
      if (name === "event") found.event = text;
      if (name === "data") found.data += text;
    }
    return found.data ? [found] : [];
  });
  return { events, rest };
}

/** Until `signal` aborts or the server says it is over. Reconnects by itself. */
export async function follow(api: Api, path: string, onEvent: (event: ServerEvent) => void, signal: AbortSignal) {
  let last = "";
  while (!signal.aborted) {
    try {
      const response = await api.request("GET", path, undefined, signal, last ? { "Last-Event-ID": last } : {});
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let buffer = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const parsed = parseEvents(buffer + value);
        buffer = parsed.rest;
        for (const event of parsed.events) {
          if (event.event === "over") return;
          if (event.id) last = event.id;
          onEvent(event);
        }
      }
    } catch {
      if (signal.aborted) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

import { type LocalParticipant, type RemoteParticipant, Track } from "livekit-client";
import { useEffect } from "react";

const EVERY = 5000; // ms

interface Stat {
  type: string;
  kind?: string;
  nominated?: boolean;
  currentRoundTripTime?: number;
  jitterBufferDelay?: number;
  jitterBufferEmittedCount?: number;
}

/** Of the jitter buffer, in the W3C's terms, since the agent's sound first came. */
export interface Waited {
  delay: number; // s, summed over samples
  emitted: number; // samples
}

/**
 * Seconds that this side of the line takes: to the server and back, and what the agent's sound waits here before it is heard.
 * The waiting is that since the last look, `before`: a bad moment long ago is none now.
 * null where the browser does not say.
 */
export function delayOf(stats: Stat[], output: number, before?: Waited): { seconds: number | null; waited?: Waited } {
  const trips = stats.filter((s) => s.type === "candidate-pair" && s.nominated !== false && s.currentRoundTripTime !== undefined);
  const heard = stats.find((s) => s.type === "inbound-rtp" && s.kind === "audio" && s.jitterBufferEmittedCount);
  if (!trips.length || !heard) return { seconds: null, waited: before };
  const waited = { delay: heard.jitterBufferDelay ?? 0, emitted: heard.jitterBufferEmittedCount! };
  const since = before && before.emitted < waited.emitted ? before : { delay: 0, emitted: 0 }; // another track counts anew
  const waits = (waited.delay - since.delay) / (waited.emitted - since.emitted);
  return { seconds: Math.min(...trips.map((s) => s.currentRoundTripTime!)) + waits + output, waited };
}

/** Tells the agent how long this side of the line takes, so that it can take it out of the delay before an answer. */
export function useDelay(local: LocalParticipant, agent: RemoteParticipant | undefined) {
  useEffect(() => {
    if (!agent) return;
    const context = new AudioContext();
    let before: Waited | undefined;
    const tell = async () => {
      const stats: Stat[] = [];
      for (const track of [
        agent.getTrackPublication(Track.Source.Microphone)?.track,
        local.getTrackPublication(Track.Source.Microphone)?.track,
      ]) {
        (await track?.getRTCStatsReport())?.forEach((stat: Stat) => stats.push(stat));
      }
      const { seconds, waited } = delayOf(stats, context.outputLatency || 0, before);
      before = waited;
      if (seconds === null) return;
      await local.performRpc({ destinationIdentity: agent.identity, method: "viva.ask", payload: JSON.stringify({ kind: "delay", seconds: Math.min(5, seconds) }) });
    };
    const timer = setInterval(() => void tell().catch(() => undefined), EVERY);
    void tell().catch(() => undefined);
    return () => {
      clearInterval(timer);
      void context.close();
    };
  }, [agent, local]);
}

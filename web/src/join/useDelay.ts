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

/**
 * Seconds that this side of the line takes: to the server and back, and what the agent's sound waits here before it is heard.
 * null where the browser does not say.
 */
export function delayOf(stats: Stat[], output: number): number | null {
  const trips = stats.filter((s) => s.type === "candidate-pair" && s.nominated !== false && s.currentRoundTripTime !== undefined);
  const heard = stats.find((s) => s.type === "inbound-rtp" && s.kind === "audio" && s.jitterBufferEmittedCount);
  if (!trips.length || !heard) return null;
  const waits = (heard.jitterBufferDelay ?? 0) / heard.jitterBufferEmittedCount!;
  return Math.min(...trips.map((s) => s.currentRoundTripTime!)) + waits + output;
}

/** Tells the agent how long this side of the line takes, so that it can take it out of the delay before an answer. */
export function useDelay(local: LocalParticipant, agent: RemoteParticipant | undefined) {
  useEffect(() => {
    if (!agent) return;
    const context = new AudioContext();
    const tell = async () => {
      const stats: Stat[] = [];
      for (const track of [
        agent.getTrackPublication(Track.Source.Microphone)?.track,
        local.getTrackPublication(Track.Source.Microphone)?.track,
      ]) {
        (await track?.getRTCStatsReport())?.forEach((stat: Stat) => stats.push(stat));
      }
      const seconds = delayOf(stats, context.outputLatency || 0);
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

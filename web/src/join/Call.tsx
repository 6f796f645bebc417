import {
  RoomAudioRenderer,
  RoomContext,
  StartAudio,
  useConnectionState,
  useLocalParticipant,
  useRemoteParticipants,
  useSpeakingParticipants,
  useTranscriptions,
} from "@livekit/components-react";
import { ConnectionState, DisconnectReason, ParticipantKind, Room, RoomEvent } from "livekit-client";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import type { Api, Invitation, RoomAccess } from "../api";
import { SelfView } from "./SelfView";
import { captionsOf } from "./captions";
import { type Phase, turnOf } from "./phase";
import { useDelay } from "./useDelay";

interface Props {
  api: Api;
  invitation: Invitation;
  access: RoomAccess;
  microphone: string;
  onEnded: () => void;
  onElsewhere: () => void;
}

const RETRY = 2000; // ms between attempts to get back in

/** Connects, and gets back in by itself when the connection is lost for good. */
export function Call({ api, invitation, access, microphone, onEnded, onElsewhere }: Props) {
  const room = useMemo(() => new Room({ adaptiveStream: false, dynacast: false, disconnectOnPageLeave: true }), []);
  const [trouble, setTrouble] = useState("");
  const over = useRef(false);

  const connect = useCallback(
    async (way: RoomAccess) => {
      await room.connect(way.url, way.token);
      try {
        await room.localParticipant.setMicrophoneEnabled(true, {
          ...(microphone ? { deviceId: microphone } : {}),
          echoCancellation: true,
          noiseSuppression: true,
        });
        setTrouble("");
      } catch {
        setTrouble("Your microphone is not available: type your answers.");
      }
    },
    [room, microphone],
  );

  useEffect(() => {
    let left = false;
    const back = async () => {
      while (!left && !over.current) {
        await new Promise((resolve) => setTimeout(resolve, RETRY));
        try {
          const found = await api.get<Invitation>(`/interviews/${invitation.id}/invitation`);
          if (found.status === "ended" || found.status === "cancelled") return onEnded();
          return await connect(await api.post<RoomAccess>(`/interviews/${invitation.id}/join`, { take_over: true }));
        } catch {
          setTrouble("The connection is gone. Trying to get back; nothing you said is lost.");
        }
      }
    };
    const onDisconnected = (reason?: DisconnectReason) => {
      if (left || over.current) return;
      if (reason === DisconnectReason.DUPLICATE_IDENTITY) onElsewhere();
      else void back();
    };
    room.on(RoomEvent.Disconnected, onDisconnected);
    connect(access).catch(() => void back());
    return () => {
      left = true;
      room.off(RoomEvent.Disconnected, onDisconnected);
      void room.disconnect();
    };
  }, [room, access, api, connect, invitation.id, onElsewhere, onEnded]);

  return (
    <RoomContext.Provider value={room}>
      <RoomAudioRenderer />
      <Stage
        api={api}
        invitation={invitation}
        trouble={trouble}
        onEnded={() => {
          over.current = true;
          onEnded();
        }}
      />
    </RoomContext.Provider>
  );
}

function Stage({ api, invitation, trouble, onEnded }: { api: Api; invitation: Invitation; trouble: string; onEnded: () => void }) {
  const connected = useConnectionState() === ConnectionState.Connected;
  const { localParticipant, isMicrophoneEnabled } = useLocalParticipant();
  const agents = useRemoteParticipants().filter((p) => p.kind === ParticipantKind.AGENT);
  const agent = agents.find((p) => p.attributes["viva.phase"]);
  const others = useRemoteParticipants().filter((p) => p.kind !== ParticipantKind.AGENT);
  const speaking = useSpeakingParticipants().some((p) => p.isLocal);
  const phase = (agent?.attributes["viva.phase"] ?? "") as Phase;
  const [asked, total] = (agent?.attributes["viva.progress"] ?? "").split("/").map(Number);
  const [ended, setEnded] = useState(false); // stays, though the agent that said so leaves
  const waitedFor = useQuiet(!agent && !ended, false);
  const quietFor = useQuiet(phase === "listening", speaking);
  const turn = turnOf(ended ? "ended" : phase, connected || ended, quietFor, waitedFor);
  const [typing, setTyping] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const [said, setSaid] = useState("");
  const finish = useRef(onEnded);
  finish.current = onEnded;

  useEffect(() => {
    if (phase === "ended") setEnded(true);
  }, [phase]);
  useEffect(() => {
    if (!ended) return;
    const timer = setTimeout(() => finish.current(), 1200);
    return () => clearTimeout(timer);
  }, [ended]);
  useEffect(() => {
    if (agent || ended) return;
    // No agent: one is on its way, or it said goodbye while we were away.
    const timer = setInterval(() => {
      void api.get<Invitation>(`/interviews/${invitation.id}/invitation`).then(
        (found) => (found.status === "ended" || found.status === "cancelled") && setEnded(true),
        () => undefined,
      );
    }, 3000);
    return () => clearInterval(timer);
  }, [agent, ended, api, invitation.id]);

  useDelay(localParticipant, agent);
  const ask = useCallback(
    async (kind: string, text = "") => {
      if (!agent) return setSaid("Viva is not here yet.");
      try {
        await localParticipant.performRpc({ destinationIdentity: agent.identity, method: "viva.ask", payload: JSON.stringify({ kind, text }) });
        setSaid("");
      } catch {
        setSaid("That did not get through. Try again.");
      }
    },
    [agent, localParticipant],
  );
  const mute = useCallback(() => void localParticipant.setMicrophoneEnabled(!isMicrophoneEnabled), [localParticipant, isMicrophoneEnabled]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test((event.target as HTMLElement).tagName)) return;
      const act: Record<string, () => void> = {
        m: mute,
        r: () => void ask("repeat"),
        p: () => void ask(phase === "paused" ? "go_on" : "pause"),
        t: () => setTyping(true),
      };
      const found = act[event.key.toLowerCase()];
      if (found) {
        event.preventDefault();
        found();
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [ask, mute, phase]);

  return (
    <div className="call">
      <header className="bar">
        <span className="brand">
          <img src="/icon.svg" alt="" width="28" height="28" /> {invitation.title}
        </span>
        {!!total && (
          <span className="progress">
            <span>
              Question {Math.max(1, asked ?? 1)} of {total}
            </span>
            <progress max={total} value={asked ?? 0} aria-label="Questions put so far" />
          </span>
        )}
      </header>
      <main id="main" className="stage">
        <section className={`turn ${turn.tone}`} aria-live="polite" data-phase={phase}>
          <Voice tone={turn.tone} moving={phase === "speaking" || (phase === "listening" && speaking)} />
          <h1>{turn.title}</h1>
          <p>{isMicrophoneEnabled || phase !== "listening" ? turn.hint : "Your microphone is off: nothing is heard."}</p>
          {others.length > 0 && <p className="muted">Also here: {others.map((p) => p.name || p.identity).join(", ")}</p>}
        </section>
        {agent?.attributes["viva.question"] && (
          <section className="question" aria-label="The question">
            <h2>The question</h2>
            <p>{agent.attributes["viva.question"]}</p>
          </section>
        )}
        <Captions />
        {invitation.mode === "practice" && <SelfView />}
      </main>
      <footer className="controls">
        {(said || trouble) && (
          <p className="problem" role="alert">
            {said || trouble}
          </p>
        )}
        <StartAudio className="primary" label="Turn the sound on" />
        {typing && (
          <form
            className="typing"
            onSubmit={(event) => {
              event.preventDefault();
              const field = event.currentTarget.elements.namedItem("answer") as HTMLTextAreaElement;
              if (field.value.trim()) void ask("typed", field.value);
              setTyping(false);
            }}
          >
            <label htmlFor="answer">Your answer in writing</label>
            <textarea id="answer" name="answer" rows={3} maxLength={4000} autoFocus />
            <div className="row">
              <button className="primary">Send as my answer</button>
              <button type="button" onClick={() => setTyping(false)}>
                Cancel
              </button>
            </div>
          </form>
        )}
        {leaving ? (
          <div className="row" role="alertdialog" aria-label="End the interview?">
            <span>End the interview? What you said is kept.</span>
            <button className="danger" autoFocus onClick={() => void ask("leave")}>
              End it
            </button>
            <button onClick={() => setLeaving(false)}>Stay</button>
          </div>
        ) : (
          <div className="row" role="toolbar" aria-label="Call">
            <button aria-pressed={!isMicrophoneEnabled} onClick={mute} title="M">
              {isMicrophoneEnabled ? "Mute" : "Unmute"}
            </button>
            <button onClick={() => void ask("repeat")} title="R">
              Repeat
            </button>
            {phase === "paused" ? (
              <button className="primary" onClick={() => void ask("go_on")} title="P">
                Go on
              </button>
            ) : (
              <button onClick={() => void ask("pause")} title="P">
                Let me think
              </button>
            )}
            <button aria-expanded={typing} onClick={() => setTyping(!typing)} title="T">
              Type instead
            </button>
            <button className="danger quiet" onClick={() => setLeaving(true)}>
              Leave
            </button>
          </div>
        )}
      </footer>
    </div>
  );
}

/** Five bars that move while somebody speaks. Decoration: the words beside it say the same. */
function Voice({ tone, moving }: { tone: string; moving: boolean }) {
  return (
    <div className={`voice ${tone} ${moving ? "moving" : ""}`} aria-hidden="true">
      {[0, 1, 2, 3, 4].map((i) => (
        <span key={i} style={{ animationDelay: `${i * 0.12}s` }} />
      ))}
    </div>
  );
}

function Captions() {
  const captions = captionsOf(useTranscriptions());
  const end = useRef<HTMLDivElement>(null);
  const last = captions[captions.length - 1];
  useEffect(() => {
    void end.current?.scrollIntoView({ block: "nearest" }); // newer browsers return a promise
  }, [captions.length, last?.text]);
  return (
    <section className="captions" aria-label="Captions" tabIndex={0}>
      <ol aria-live="polite" aria-relevant="additions">
        {captions.map((line) => (
          <li key={line.segment} className={`${line.who} ${line.final ? "" : "partial"}`} aria-hidden={!line.final}>
            <b>{line.who === "agent" ? "Viva" : "You"}</b> {line.text}
          </li>
        ))}
      </ol>
      <div ref={end} />
    </section>
  );
}

/** Seconds for which `listening` has held without somebody `speaking`. */
function useQuiet(listening: boolean, speaking: boolean): number {
  const [quiet, setQuiet] = useState(0);
  useEffect(() => {
    setQuiet(0);
    if (!listening || speaking) return;
    const began = Date.now();
    const timer = setInterval(() => setQuiet((Date.now() - began) / 1000), 500);
    return () => clearInterval(timer);
  }, [listening, speaking]);
  return quiet;
}

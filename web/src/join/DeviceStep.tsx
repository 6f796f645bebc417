import { useEffect, useRef, useState } from "react";

import { useLevel } from "./useLevel";
import { Trouble } from "../Trouble";

const HEARD = 0.35; // level from which a voice counts as heard

interface Props {
  problem: string;
  elsewhere: boolean;
  resuming: boolean;
  onReady: (device: string, takeOver: boolean) => Promise<void>;
}

/** Is the microphone on, and is it the right one? */
export function DeviceStep({ problem, elsewhere, resuming, onReady }: Props) {
  const [devices, setDevices] = useState<MediaDeviceInfo[]>([]);
  const [device, setDevice] = useState("");
  const [stream, setStream] = useState<MediaStream | null>(null);
  const [trouble, setTrouble] = useState("");
  const [heard, setHeard] = useState(false);
  const [joining, setJoining] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const level = useLevel(stream);
  useEffect(() => heading.current?.focus(), []);

  useEffect(() => {
    let opened: MediaStream | null = null;
    let left = false;
    const open = async () => {
      try {
        if (!navigator.mediaDevices) throw new DOMException("", "NotSupportedError");
        opened = await navigator.mediaDevices.getUserMedia({ audio: device ? { deviceId: { exact: device } } : true });
        if (left) return opened.getTracks().forEach((track) => track.stop());
        setStream(opened);
        setTrouble("");
        setDevices((await navigator.mediaDevices.enumerateDevices()).filter((d) => d.kind === "audioinput"));
      } catch (error) {
        setStream(null);
        setTrouble(troubleOf(error));
      }
    };
    void open();
    return () => {
      left = true;
      opened?.getTracks().forEach((track) => track.stop());
    };
  }, [device]);

  useEffect(() => {
    if (level > HEARD) setHeard(true);
  }, [level]);

  const ready = (takeOver: boolean) => {
    setJoining(true);
    stream?.getTracks().forEach((track) => track.stop());
    void onReady(device, takeOver).finally(() => setJoining(false));
  };

  return (
    <section className="card narrow">
      <p className="eyebrow">Step 2 of 2</p>
      <h1 ref={heading} tabIndex={-1}>
        Check your microphone
      </h1>
      <p>Say a few words. The bar should move with your voice.</p>
      <div className="meter" role="meter" aria-label="Microphone level" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(level * 100)}>
        <div className="meter-fill" style={{ width: `${level * 100}%` }} />
      </div>
      <p className={heard ? "ok" : "muted"} role="status">
        {trouble ? "" : heard ? "We hear you." : "Nothing heard yet."}
      </p>
      <Trouble text={trouble} />
      {devices.length > 1 && (
        <label className="field">
          Microphone
          <select value={device} onChange={(e) => setDevice(e.target.value)}>
            <option value="">Default</option>
            {devices
              .filter((d) => d.deviceId && d.deviceId !== "default")
              .map((d) => (
                <option key={d.deviceId} value={d.deviceId}>
                  {d.label || "Microphone"}
                </option>
              ))}
          </select>
        </label>
      )}
      <button type="button" className="quiet" onClick={beep}>
        Play a test sound
      </button>
      <Trouble text={problem} />
      {elsewhere ? (
        <div role="alert">
          <p className="problem">This interview is open on another device.</p>
          <button className="primary" disabled={joining} onClick={() => ready(true)}>
            Go on here instead
          </button>
        </div>
      ) : (
        <button className="primary" disabled={joining} onClick={() => ready(false)}>
          {trouble ? "Join without a microphone, and type" : resuming ? "Go on with the interview" : "Start the interview"}
        </button>
      )}
    </section>
  );
}

function troubleOf(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError") return "The browser may not use your microphone. Allow it in the address bar, then reload this page.";
  if (name === "NotFoundError") return "No microphone was found. Plug one in and reload this page, or type your answers.";
  if (name === "NotReadableError") return "Another program uses your microphone. Close it and reload this page.";
  if (name === "NotSupportedError") return "This page needs https (or localhost) to use a microphone.";
  return "Your microphone cannot be opened. Try another one, or type your answers.";
}

function beep() {
  const context = new AudioContext();
  const tone = context.createOscillator();
  const volume = context.createGain();
  tone.frequency.value = 440;
  volume.gain.setValueAtTime(0.15, context.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, context.currentTime + 0.8);
  tone.connect(volume).connect(context.destination);
  tone.start();
  tone.stop(context.currentTime + 0.8);
  tone.onended = () => void context.close();
}

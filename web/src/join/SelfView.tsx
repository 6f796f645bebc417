import { useEffect, useRef, useState } from "react";

/** Practice only: see yourself. The picture stays in this browser; nothing of it is sent or kept. */
export function SelfView() {
  const [on, setOn] = useState(false);
  const [trouble, setTrouble] = useState("");
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (!on) return;
    let stream: MediaStream | null = null;
    let left = false;
    navigator.mediaDevices.getUserMedia({ video: { width: 480 } }).then(
      (opened) => {
        if (left) return opened.getTracks().forEach((track) => track.stop());
        stream = opened;
        if (video.current) video.current.srcObject = opened;
      },
      () => {
        setTrouble("Your camera is not available.");
        setOn(false);
      },
    );
    return () => {
      left = true;
      stream?.getTracks().forEach((track) => track.stop());
    };
  }, [on]);
  return (
    <section className="selfview" aria-label="Self view">
      {on && <video ref={video} autoPlay muted playsInline aria-label="Your own picture" />}
      <button className="quiet" aria-pressed={on} onClick={() => setOn(!on)}>
        {on ? "Hide me" : "Show me myself"}
      </button>
      <small className="muted">{trouble || "Stays in this browser."}</small>
    </section>
  );
}

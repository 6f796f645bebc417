import { useCallback, useEffect, useRef, useState } from "react";

export interface Player {
  url: string;
  time: number;
  playing: boolean;
  /** From t0 to t1, or to the end. */
  play: (t0: number, t1?: number | null) => void;
  toggle: () => void;
  audio: React.RefObject<HTMLAudioElement | null>;
}

/** One audio element for the page; every piece of evidence plays in it. */
export function usePlayer(url: string): Player {
  const audio = useRef<HTMLAudioElement | null>(null);
  const stopAt = useRef<number | null>(null);
  const [time, setTime] = useState(0);
  const [playing, setPlaying] = useState(false);

  useEffect(() => {
    const element = audio.current;
    if (!element) return;
    const onTime = () => {
      setTime(element.currentTime);
      if (stopAt.current !== null && element.currentTime >= stopAt.current) {
        element.pause();
        stopAt.current = null;
      }
    };
    const onState = () => setPlaying(!element.paused);
    element.addEventListener("timeupdate", onTime);
    element.addEventListener("play", onState);
    element.addEventListener("pause", onState);
    return () => {
      element.removeEventListener("timeupdate", onTime);
      element.removeEventListener("play", onState);
      element.removeEventListener("pause", onState);
    };
  }, [url]);

  const play = useCallback((t0: number, t1?: number | null) => {
    const element = audio.current;
    if (!element) return;
    stopAt.current = t1 ?? null;
    element.currentTime = Math.max(0, t0);
    void element.play();
  }, []);
  const toggle = useCallback(() => {
    const element = audio.current;
    if (!element) return;
    stopAt.current = null;
    if (element.paused) void element.play();
    else element.pause();
  }, []);
  return { url, time, playing, play, toggle, audio };
}

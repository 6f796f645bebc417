import { describe, expect, it } from "vitest";

import { parseEvents } from "./events";
import { clock, seconds } from "./format";
import { captionsOf } from "./join/captions";
import { turnOf } from "./join/phase";
import { delayOf } from "./join/useDelay";
import { lineOf } from "./operator/live";
import { type QuestionReport, pointsOf, titleOf } from "./report/model";

const stream = (segment: string, who: string, text: string, final: boolean) => ({
  text,
  streamInfo: { attributes: { "lk.segment_id": segment, "viva.who": who, "lk.transcription_final": String(final) } },
});

describe("captions", () => {
  it("shows the newest words of a segment once", () => {
    const lines = captionsOf([stream("a", "candidate", "I mo", false), stream("a", "candidate", "I moved", false), stream("a", "candidate", "I moved it.", true)]);
    expect(lines).toEqual([{ segment: "a", who: "candidate", text: "I moved it.", final: true }]);
  });
  it("lets no late partial undo a final", () => {
    const lines = captionsOf([stream("a", "agent", "Hello.", true), stream("a", "agent", "Hel", false)]);
    expect(lines.map((l) => l.text)).toEqual(["Hello."]);
  });
  it("drops a partial that newer words of the same speaker replaced", () => {
    const lines = captionsOf([stream("a", "candidate", "well", false), stream("b", "candidate", "Well, I did.", true)]);
    expect(lines.map((l) => l.text)).toEqual(["Well, I did."]);
  });
  it("ignores streams that are no captions", () => {
    expect(captionsOf([{ text: "x", streamInfo: {} }])).toEqual([]);
  });
});

describe("how long this side of the line takes", () => {
  const pair = { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.03 };
  const heard = { type: "inbound-rtp", kind: "audio", jitterBufferDelay: 10, jitterBufferEmittedCount: 200 };
  it("is the way there and back, the buffer and the loudspeaker", () => {
    expect(delayOf([pair, heard], 0.02).seconds).toBeCloseTo(0.1);
  });
  it("is what it is now, not what it was on average", () => {
    const { seconds, waited } = delayOf([pair, { ...heard, jitterBufferDelay: 14, jitterBufferEmittedCount: 300 }], 0, { delay: 10, emitted: 200 });
    expect(seconds).toBeCloseTo(0.07);
    expect(waited).toEqual({ delay: 14, emitted: 300 });
    expect(delayOf([pair, heard], 0, { delay: 90, emitted: 900 }).seconds, "another track").toBeCloseTo(0.08);
    expect(delayOf([pair, heard], 0, { delay: 10, emitted: 200 }).seconds, "nothing came since").toBeCloseTo(0.08);
  });
  it("is not guessed", () => {
    expect(delayOf([pair], 0.02).seconds).toBeNull();
    expect(delayOf([heard], 0.02).seconds).toBeNull();
  });
});

describe("whose turn it is", () => {
  it("says take your time only after a while of silence", () => {
    expect(turnOf("listening", true, 1).title).toBe("Your turn");
    expect(turnOf("listening", true, 3).title).toBe("Take your time");
  });
  it("does not promise seconds to somebody who has waited for long", () => {
    expect(turnOf("", true, 0, 2).hint).toContain("second or two");
    expect(turnOf("", true, 0, 20).title).toBe("Viva is busy");
  });
  it("says that nothing is lost while reconnecting, whatever the phase", () => {
    expect(turnOf("speaking", false, 0).hint).toContain("Nothing you said is lost");
  });
});

describe("server-sent events", () => {
  it("keeps what is not whole yet", () => {
    const { events, rest } = parseEvents('id: 3\nevent: heard\ndata: {"a": "b: c"}\n\n: still here\n\nid: 4\neve');
    expect(events).toEqual([{ id: "3", event: "heard", data: '{"a": "b: c"}' }]);
    expect(rest).toBe("id: 4\neve");
  });
});

describe("the operator's log", () => {
  it("tells a cut and its length", () => {
    expect(lineOf({ kind: "resumed", t: 5, gap: 4.4 })?.text).toBe("back after a cut of 4 s");
  });
  it("leaves out what only machines read", () => {
    expect(lineOf({ kind: "measured", t: 5 })).toBeNull();
  });
});

describe("numbers", () => {
  it("reads as people read", () => {
    expect(clock(65.9)).toBe("1:05");
    expect(seconds(null)).toBe("–");
  });
});

describe("the report", () => {
  const line = { who: "candidate", text: "I was ill. I told them.", start: 0, end: 2 } as const;
  it("shows nothing of what is private in a tooltip", () => {
    expect(titleOf({ ...line, private: ["health"] })).toBe("(left out of everything but this transcript: health)");
    expect(titleOf({ ...line, private: ["logistics"] })).toBe("(for the process)");
    expect(titleOf(line)).toBe(line.text);
  });
  it("shows a point as said only with its words", () => {
    const evidence = { quote: "I told them", t0: 1, t1: 2 };
    const point = (name: string, state: "said" | "contradicted" | "unsure" | "not_found", shown: typeof evidence | null) => ({ name, says: name, state, evidence: shown });
    const points = [point("a", "said", evidence), point("b", "said", null), point("c", "contradicted", evidence), point("d", "not_found", null), point("e", "unsure", null)];
    const found = pointsOf({ rubric: { points, anchors: {}, reader: "" } } as unknown as QuestionReport);
    expect([found.said, found.against, found.rest].map((list) => list.map((p) => p.name))).toEqual([["a"], ["c"], ["b", "d", "e"]]);
  });
});

/** LiveKit transcriptions to lines: the newest text of each segment, in the order in which the segments began. */

export interface Caption {
  segment: string;
  who: "agent" | "candidate";
  text: string;
  final: boolean;
}

export interface TextStream {
  text: string;
  streamInfo: { attributes?: Record<string, string> };
}

export function captionsOf(streams: readonly TextStream[]): Caption[] {
  const lines = new Map<string, Caption>();
  for (const stream of streams) {
    const attributes = stream.streamInfo.attributes ?? {};
    const segment = attributes["lk.segment_id"];
    if (!segment || !stream.text) continue;
    const line: Caption = {
      segment,
      who: attributes["viva.who"] === "candidate" ? "candidate" : "agent",
      text: stream.text,
      final: attributes["lk.transcription_final"] === "true",
    };
    const before = lines.get(segment);
    // A partial that was overtaken by its final does not bring the old words back.
    if (!before?.final || line.final) lines.set(segment, line);
  }
  const all = [...lines.values()];
  // What stayed a partial though newer words came was replaced under another number.
  return all.filter((line, i) => line.final || i === all.length - 1 || !all.slice(i + 1).some((l) => l.who === line.who));
}

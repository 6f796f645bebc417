import { clock } from "../format";
import type { Report, TranscriptLine } from "./model";
import { measuredOf, titleOf } from "./model";
import type { Player } from "./player";

const HEIGHT = 92;

/** Who spoke when. A click plays from there; the arrow keys move by five seconds. */
export function Timeline({ report, lines, player }: { report: Report; lines: TranscriptLine[]; player: Player }) {
  const length = Math.max(1, report.duration);
  const x = (t: number) => `${(100 * t) / length}%`;
  const width = (a: number, b: number) => `${Math.max(0.15, (100 * (b - a)) / length)}%`;
  const deliveries = measuredOf(report).map((m) => m.delivery);
  const ticks = Array.from({ length: Math.floor(length / tickOf(length)) + 1 }, (_, i) => i * tickOf(length));
  const seek = (clientX: number, box: DOMRect) => player.play((length * (clientX - box.left)) / box.width);
  return (
    <figure className="timeline">
      <svg
        role="slider"
        aria-label="Position in the recording"
        aria-valuemin={0}
        aria-valuemax={Math.round(length)}
        aria-valuenow={Math.round(player.time)}
        aria-valuetext={clock(player.time)}
        tabIndex={0}
        height={HEIGHT}
        width="100%"
        onClick={(event) => seek(event.clientX, event.currentTarget.getBoundingClientRect())}
        onKeyDown={(event) => {
          const step = { ArrowLeft: -5, ArrowRight: 5 }[event.key];
          if (step) player.play(player.time + step);
          if (event.key === " ") player.toggle();
          if (step || event.key === " ") event.preventDefault();
        }}
      >
        <rect width="100%" height={HEIGHT - 16} rx="8" className="ground" />
        {lines.map((line, i) => (
          <rect key={i} className={line.who} x={x(line.start)} width={width(line.start, line.end)} y={line.who === "agent" ? 10 : 42} height="24" rx="3">
            <title>{`${clock(line.start)} ${line.who}: ${titleOf(line)}`}</title>
          </rect>
        ))}
        {deliveries.flatMap((d) => d.silent_pauses).map((p, i) => (
          <rect key={`p${i}`} className="pause" x={x(p.start)} width={width(p.start, p.end)} y="42" height="24">
            <title>{`pause of ${(p.end - p.start).toFixed(1)} s`}</title>
          </rect>
        ))}
        {deliveries.flatMap((d) => d.filled_pauses).map((f, i) => (
          <rect key={`f${i}`} className="filler" x={x(f.start)} width={width(f.start, f.end)} y="42" height="24">
            <title>{f.word}</title>
          </rect>
        ))}
        {report.holes.map((hole, i) => (
          <line key={`h${i}`} className="hole" x1={x(hole.at)} x2={x(hole.at)} y1="0" y2={HEIGHT - 16}>
            <title>{`the call was down for ${hole.gap.toFixed(0)} s`}</title>
          </line>
        ))}
        <line className="playhead" x1={x(player.time)} x2={x(player.time)} y1="0" y2={HEIGHT - 16} />
        {ticks.map((t) => (
          <text key={t} x={x(t)} y={HEIGHT - 3}>
            {clock(t)}
          </text>
        ))}
      </svg>
      <figcaption>
        <span className="key agent">Viva</span> <span className="key candidate">{report.candidate}</span>{" "}
        <span className="key pause">pause</span> <span className="key filler">um, uh</span>
        {report.holes.length > 0 && <span className="key hole">cut</span>}
      </figcaption>
    </figure>
  );
}

function tickOf(length: number): number {
  return [10, 15, 30, 60, 120, 300, 600].find((step) => length / step <= 9) ?? 1200;
}

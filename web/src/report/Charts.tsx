import type { Measured } from "./model";

const METRICS: { name: string; unit: string; of: (m: Measured) => number | null; hint: string }[] = [
  { name: "Delay before answering", unit: "s", of: (m) => m.delivery.response_delay, hint: "end of the question to the first sound" },
  { name: "Time spoken", unit: "s", of: (m) => m.delivery.speaking_time, hint: "first to last sound of the answer" },
  { name: "Longest pause", unit: "s", of: (m) => m.delivery.longest_pause, hint: "silence inside the answer" },
  { name: "Pace", unit: "words/min", of: (m) => m.delivery.words_per_minute, hint: "pauses included" },
  { name: "Um and uh", unit: "", of: (m) => m.delivery.filled_pauses.length + m.delivery.filler_words.length, hint: "filled pauses and filler words" },
];

/** Small multiples: one measure each, one bar an answer. Numbers are written, so that nothing hangs on the colour. */
export function Charts({ answers }: { answers: Measured[] }) {
  if (!answers.length) return null;
  return (
    <section className="charts" aria-label="Measures per answer">
      {METRICS.map((metric) => {
        const values = answers.map(metric.of);
        const most = Math.max(0.001, ...values.map((v) => v ?? 0));
        return (
          <figure key={metric.name} className="card">
            <figcaption>
              <b>{metric.name}</b> <small className="muted">{metric.hint}</small>
            </figcaption>
            <table>
              <tbody>
                {answers.map((answer, i) => (
                  <tr key={i}>
                    <th scope="row">{answer.name}</th>
                    <td className="track">
                      <span style={{ width: `${(100 * Math.max(0, values[i] ?? 0)) / most}%` }} />
                    </td>
                    <td className="number">{values[i] === null ? "–" : `${round(values[i]!)} ${metric.unit}`}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </figure>
        );
      })}
    </section>
  );
}

function round(value: number): string {
  return value >= 20 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);
}

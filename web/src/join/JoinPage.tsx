import { useCallback, useEffect, useMemo, useState } from "react";

import { Api, type Invitation, Problem, type RoomAccess, words } from "../api";
import { Shell } from "../Shell";
import { Call } from "./Call";
import { ConsentStep } from "./ConsentStep";
import { DeviceStep } from "./DeviceStep";
import { DoneStep } from "./DoneStep";

type Step = "consent" | "devices" | "call" | "done" | "elsewhere";

/** The candidate's way: consent, devices, the call, afterwards. The link's token is behind the #, and reaches only the API. */
export function JoinPage({ id }: { id: string }) {
  const api = useMemo(() => new Api(location.hash.slice(1)), []);
  const [invitation, setInvitation] = useState<Invitation | null>(null);
  const [step, setStep] = useState<Step>("consent");
  const [access, setAccess] = useState<RoomAccess | null>(null);
  const [microphone, setMicrophone] = useState<string>("");
  const [problem, setProblem] = useState<string>("");
  const [elsewhere, setElsewhere] = useState(false);

  const load = useCallback(async () => {
    try {
      const found = await api.get<Invitation>(`/interviews/${id}/invitation`);
      setInvitation(found);
      if (found.status === "ended" || found.status === "cancelled") setStep("done");
      else if (found.consented) setStep((now) => (now === "consent" ? "devices" : now));
    } catch (error) {
      setProblem(words(error));
    }
  }, [api, id]);

  useEffect(() => void load(), [load]);

  const join = async (device: string, takeOver: boolean) => {
    setProblem("");
    setMicrophone(device);
    try {
      setAccess(await api.post<RoomAccess>(`/interviews/${id}/join`, { take_over: takeOver }));
      setElsewhere(false);
      setStep("call");
    } catch (error) {
      if (error instanceof Problem && error.kind === "already-here") setElsewhere(true);
      else setProblem(words(error));
    }
  };

  if (!invitation) {
    return (
      <Shell>
        {problem ? (
          <section className="card narrow" role="alert">
            <h1>This link does not open an interview</h1>
            <p>{problem}</p>
          </section>
        ) : (
          <p className="loading" role="status">
            Opening your interview…
          </p>
        )}
      </Shell>
    );
  }
  if (step === "call" && access) {
    return (
      <Call
        api={api}
        invitation={invitation}
        access={access}
        microphone={microphone}
        onEnded={() => setStep("done")}
        onElsewhere={() => setStep("elsewhere")}
      />
    );
  }
  return (
    <Shell title={invitation.title}>
      {step === "consent" && (
        <ConsentStep
          invitation={invitation}
          problem={problem}
          onConsent={async () => {
            try {
              await api.post(`/interviews/${id}/consent`, {});
              setProblem("");
              setStep("devices");
            } catch (error) {
              setProblem(words(error));
            }
          }}
        />
      )}
      {step === "devices" && (
        <DeviceStep problem={problem} elsewhere={elsewhere} resuming={invitation.status === "waiting" || invitation.status === "live"} onReady={join} />
      )}
      {step === "done" && <DoneStep api={api} id={id} first={invitation} />}
      {step === "elsewhere" && (
        <section className="card narrow">
          <h1 tabIndex={-1}>You went on on another device</h1>
          <p>The interview continues there, and nothing you said is lost. You can bring it back here.</p>
          <button className="primary" onClick={() => void join(microphone, true)}>
            Go on here
          </button>
        </section>
      )}
    </Shell>
  );
}

"""The pages in a real Chromium with a fake microphone: from the operator's form to the candidate's report."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, Page, expect, sync_playwright

from agent.call.recording import Recording
from simulation.speech import RoomTone
from tests.e2e.deployment import REPORTS, ROOT, Deployment, said

pytestmark = pytest.mark.voice
RATE = 24_000
# A candidate at the fake microphone, who speaks when the test says so: a file that plays by the clock would speak into
# the greeting wherever a machine is slow.
CANDIDATE = """(() => {
  const answer = Uint8Array.from(atob("%s"), (c) => c.charCodeAt(0)).buffer;
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  let speak = null;
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const device = await open(wanted);
    if (!wanted.audio) return device;
    const context = new AudioContext();
    const mixed = context.createMediaStreamDestination();
    context.createMediaStreamSource(device).connect(mixed);
    const sound = await context.decodeAudioData(answer.slice(0));
    speak = () => {
      const source = context.createBufferSource();
      source.buffer = sound;
      source.connect(mixed);
      source.start();
    };
    return mixed.stream;
  };
  window.sayTheAnswer = async () => {
    while (!speak) await new Promise((later) => setTimeout(later, 50));  // until a microphone is open
    speak();
  };
})()"""


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file the fake microphone plays: a quiet room."""
    path = tmp_path_factory.mktemp("microphone") / "room.wav"
    soundfile.write(path, RoomTone().next(300 * RATE), RATE, "PCM_16")
    return path


def somebody_at(page: Page) -> None:
    """From the next page on, `sayTheAnswer()` speaks into the microphone that the page has open."""
    wav = io.BytesIO()
    soundfile.write(wav, said(REPORTS), RATE, "PCM_16", format="WAV")
    page.add_init_script(CANDIDATE % base64.b64encode(wav.getvalue()).decode())


@pytest.fixture(scope="module")
def browser(microphone: Path) -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "Chromium is missing: `make test` installs it, or apt-get install chromium"
    flags = [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
        "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}%noloop",
    ]  # fmt: skip
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield running
        running.close()


def accessible(page: Page) -> None:
    """Asserts that axe-core has no serious findings on the page as it is now."""
    page.evaluate((ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa']})")
    serious = [
        (v["id"], [n["html"][:120] for n in v["nodes"]])
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
    ]
    assert not serious, serious


def test_from_the_operators_form_to_the_candidates_report(
    browser: Browser, deployment: Deployment, screenshots: Path
) -> None:
    def shot(page: Page, name: str) -> None:
        page.screenshot(path=str(screenshots / f"{name}.png"))

    url = deployment.url.replace("127.0.0.1", "localhost")
    operator = browser.new_page(viewport={"width": 1280, "height": 860})
    operator.goto(f"{url}/#key={deployment.key}")
    expect(operator.get_by_role("heading", name="New interview")).to_be_visible()
    assert "key=" not in operator.url, "the key does not stay in the address bar"
    operator.get_by_label("Candidate's name").fill("Sam")
    operator.get_by_label("Minutes").fill("1")
    accessible(operator)
    operator.get_by_role("button", name="Make the interview").click()
    link = operator.get_by_label("Link for the candidate").input_value()
    session = link.partition("/join/")[2].partition("#")[0]
    shot(operator, "01-operator")

    page = browser.new_page(viewport={"width": 1100, "height": 860})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    somebody_at(page)
    page.goto(link)
    expect(page.get_by_role("heading", name="Hello Sam")).to_be_focused()
    expect(page.get_by_text("an AI interviewer, not a person")).to_be_visible()
    expect(page.get_by_role("button", name="Continue")).to_be_disabled()
    assert deployment.kinds(session, "consented") == [], "opening the page is no consent"
    accessible(page)
    shot(page, "02-consent")
    # By keyboard alone.
    page.get_by_role("checkbox").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Check your microphone")).to_be_focused()
    expect(page.get_by_role("meter")).to_be_visible()
    expect(page.get_by_text("We hear you.")).not_to_be_visible()
    page.evaluate("sayTheAnswer()")
    expect(page.get_by_text("We hear you.")).to_be_visible(timeout=40_000)
    accessible(page)
    shot(page, "03-microphone")
    page.get_by_role("button", name="Start the interview").click()

    turn = page.locator(".turn")
    expect(turn).to_have_attribute("data-phase", "speaking", timeout=15_000)
    expect(page.locator(".captions li.agent").first).to_contain_text("AI interviewer")
    expect(page.get_by_text("Question 1 of 1")).to_be_visible()
    shot(page, "04-viva-speaks")
    expect(page.get_by_role("heading", name="Take your time")).to_be_visible(timeout=40_000)
    accessible(page)
    shot(page, "05-take-your-time")
    page.evaluate("sayTheAnswer()")
    expect(page.locator(".captions li.candidate").first).to_contain_text("dashboard", timeout=40_000, ignore_case=True)
    # The follow-up: hear it again, pause, go on, and answer it in writing.
    expect(page.locator(".captions li.agent:not(.partial)")).to_have_count(2, timeout=30_000)
    expect(turn).to_have_attribute("data-phase", "listening", timeout=30_000)
    page.keyboard.press("r")
    expect(turn).to_have_attribute("data-phase", "speaking", timeout=10_000)
    expect(turn).to_have_attribute("data-phase", "listening", timeout=30_000)
    page.get_by_role("button", name="Let me think").click()
    expect(page.get_by_role("heading", name="Paused")).to_be_visible(timeout=10_000)
    shot(page, "06-paused")
    page.get_by_role("button", name="Go on").click()
    expect(turn).to_have_attribute("data-phase", "listening", timeout=10_000)
    page.get_by_role("button", name="Mute", exact=True).click()
    expect(page.get_by_text("Your microphone is off")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    shot(page, "07-call-on-a-phone-dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing sticks out on a phone"
    accessible(page)
    page.keyboard.press("t")
    page.get_by_label("Your answer in writing").fill("The analysts saved four hours a day, measured over two months.")
    page.get_by_role("button", name="Send as my answer").click()
    shot(operator, "08-operator-live")
    expect(page.get_by_role("heading", name="Thank you, Sam")).to_be_visible(timeout=60_000)

    # The one question after the interview; consent to more than the interview is asked apart, and is not set.
    expect(page.get_by_label("My words may be used")).not_to_be_checked()
    page.get_by_label("very good").check()
    page.get_by_label("My words may be used").check()
    accessible(page)
    shot(page, "08b-survey")
    expect(page.get_by_role("link", name="Read your report")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you for your opinion")).to_be_visible(timeout=20_000)
    rated = deployment.kinds(session, "rated")
    assert [r["stars"] for r in rated] == [5] and "improve" in deployment.kinds(session, "consented")[-1]["scope"]

    page.get_by_role("link", name="Read your report").click(timeout=60_000)
    expect(page.get_by_role("heading", name="Sam", exact=True)).to_be_visible()
    shot(page, "09-report-on-a-phone-dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1180, "height": 1000})
    page.emulate_media(color_scheme="light")
    accessible(page)
    play = page.get_by_role("button", name="Play", exact=True)
    expect(play).to_be_enabled(timeout=15_000)
    sentence = page.locator("button.sentence").first
    sentence.click()
    page.wait_for_function("!document.querySelector('audio').paused && document.querySelector('audio').currentTime > 1")
    expect(page.locator("button.sentence.now")).to_have_count(1)
    shot(page, "10-report")
    page.get_by_text("Picture of this answer").click()
    picture = page.get_by_role("img", name="Picture of this answer")
    expect(picture).to_be_visible(timeout=15_000)
    assert picture.evaluate("img => img.decode().then(() => img.naturalWidth)") > 600
    expect(page.get_by_role("region", name="Delivery")).to_contain_text("Articulation rate")
    page.screenshot(path=str(screenshots / "11-report-whole.png"), full_page=True)
    page.emulate_media(media="print")
    page.screenshot(path=str(screenshots / "12-report-print.png"), full_page=True)
    assert not errors, errors

    # The operator says what the follow-up was worth, and how to ask it; both are there when the page is opened again.
    better = "How much time did the analysts save, and how do you know?"
    operator.goto(f"{url}/report/{session}")
    opinion = operator.get_by_role("group", name="Your opinion of")
    expect(opinion).to_have_count(1)
    opinion.get_by_role("button", name="Poor question").click()
    expect(opinion.get_by_role("button", name="Poor question")).to_have_attribute("aria-pressed", "true")
    opinion.get_by_role("button", name="Word it better").click()
    wording = operator.get_by_label("How would you have asked it?")
    expect(operator.get_by_role("button", name="Keep this wording")).to_be_disabled()
    wording.fill(better)
    accessible(operator)
    opinion.scroll_into_view_if_needed()
    shot(operator, "10b-opinion-of-a-follow-up")
    operator.get_by_role("button", name="Keep this wording").click()
    expect(operator.get_by_text(f"Better: {better}")).to_be_visible()
    operator.reload()
    expect(operator.get_by_text(f"Better: {better}")).to_be_visible()
    expect(opinion.get_by_role("button", name="Poor question")).to_have_attribute("aria-pressed", "true")
    expect(operator.get_by_text("the candidate has agreed")).to_be_visible()
    by_operator = [e for e in deployment.kinds(session, "rated") if e["by"] == "operator"]
    assert [e["up"] for e in by_operator] == [False]
    assert [e["text"] for e in deployment.kinds(session, "reworded")] == [better]

    asked = [e["text"] for e in deployment.kinds(session, "said") if e["purpose"] in ("repeat", "patience")]
    assert len(asked) == 2, "one repeat, one pause"
    typed = [e for e in deployment.kinds(session, "heard") if e["typed"]]
    assert len(typed) == 1 and "four hours" in typed[0]["text"]
    report = deployment.report(session)
    measured = [e for q in report["questions"] for e in q["exchanges"] if e["delivery"]]
    assert len(measured) == 1, "nothing is measured of what was typed"
    delivery = measured[0]["delivery"]
    assert delivery["response_delay_reliable"] and 0.05 < delivery["transport_delay"] < 1.5, (
        "the page reported its delay"
    )
    _, agent = Recording(deployment.home / "sessions" / session).read()
    assert np.abs(agent).max() > 0.1


def test_a_link_that_is_not_good_says_so(browser: Browser, deployment: Deployment, screenshots: Path) -> None:
    session, _ = deployment.invite()
    page = browser.new_page()
    page.goto(f"{deployment.url.replace('127.0.0.1', 'localhost')}/join/{session}#nonsense")
    expect(page.get_by_role("heading", name="This link does not open an interview")).to_be_visible()
    expect(page.get_by_text("ask whoever sent it for a new one")).to_be_visible()
    page.screenshot(path=str(screenshots / "13-bad-link.png"))


def test_the_page_finds_its_way_back(browser: Browser, deployment: Deployment, screenshots: Path) -> None:
    """The LiveKit server dies: the page says so and goes on by itself. The page is reloaded: one click, and it goes on."""
    session, token = deployment.invite(candidate="Sam", questions=["mistake"])
    page = browser.new_page()
    page.goto(f"{deployment.url.replace('127.0.0.1', 'localhost')}/join/{session}#{token}")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Start the interview").click()
    turn = page.locator(".turn")
    expect(turn).to_have_attribute("data-phase", "speaking", timeout=20_000)
    deployment.child("livekit").kill()
    expect(page.get_by_role("heading", name="Reconnecting")).to_be_visible(timeout=20_000)
    page.screenshot(path=str(screenshots / "14-reconnecting.png"))
    cut_off = page.locator(".captions li.agent", has_text="cut off")
    expect(cut_off.first).to_be_visible(timeout=40_000)
    page.reload()
    expect(page.get_by_role("heading", name="Check your microphone")).to_be_visible()
    page.get_by_role("button", name="Go on with the interview").click()
    expect(cut_off.first).to_be_visible(timeout=40_000)
    page.get_by_role("button", name="Leave").click()
    page.get_by_role("button", name="End it").click()
    expect(page.get_by_role("heading", name="Thank you, Sam")).to_be_visible(timeout=40_000)
    assert deployment.kinds(session, "ended")[0]["reason"] == "candidate_left"
    assert len(deployment.kinds(session, "asked")) == 1, "nothing is asked twice"

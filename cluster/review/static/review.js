// A job's page: buttons, keys and sliders, wired to the shot.

import { Graph } from "./graph.js";
import { Player } from "./player.js";
import { Shot } from "./shot.js";
import { Stills } from "./stills.js";

const by = (id) => document.getElementById(id);

function start(viewer) {
  const { job, first, last } = viewer.dataset;
  const shot = new Shot(job, Number(first), Number(last));
  const stage = by("stage");
  const stills = new Stills(shot, stage, by("notice"));
  const player = new Player(shot, stage);
  new Graph(shot, by("graph"), by("marks"), by("graph-note"));
  shot.onChange((what) => {
    if (what === "trouble") by("notice").textContent = shot.trouble;
    if (what === "timeline") shapeOf(shot);
    if (!player.isPlaying) stills.show();
    by("play").textContent = player.isPlaying ? "Pause" : "Play";
    tellFrame(shot);
    fillSheet(shot);
  });
  wireModes(stage);
  wireButtons(shot, player, stills);
  document.addEventListener("keydown", (event) => onKey(event, shot, player));
  shot.follow();
  stills.show();
}

function shapeOf(shot) {
  const { width, height } = shot.timeline;
  document.documentElement.style.setProperty("--shape", `${width} / ${height}`);
}

function tellFrame(shot) {
  by("number").value = shot.number;
  by("timecode").value = shot.timecode();
  by("scrub").value = shot.number;
  const again = by("again-frames");
  if (again && document.activeElement !== again) again.value = String(shot.number);
  by("scrub").setAttribute("aria-valuetext", `frame ${shot.number}, ${shot.timecode()}`);
  const isRendered = shot.isRendered(shot.number);
  const exact = by("exact");
  exact.hidden = !isRendered;
  if (isRendered) exact.href = `/media/${shot.job}/render/${shot.number}.png`;
}

function wireModes(stage) {
  for (const radio of document.querySelectorAll('input[name="mode"]')) {
    radio.addEventListener("change", () => (stage.dataset.mode = radio.value));
    if (radio.checked) stage.dataset.mode = radio.value;
  }
  const wipe = by("wipe");
  const move = () => stage.style.setProperty("--wipe", `${wipe.value}%`);
  wipe.addEventListener("input", move);
  move();
  stage.addEventListener("pointermove", (event) => {
    if (!event.buttons || stage.dataset.mode !== "wipe") return;
    const box = stage.getBoundingClientRect();
    wipe.value = (100 * (event.clientX - box.left)) / box.width;
    move();
  });
}

function wireButtons(shot, player, stills) {
  const step = (by_frames) => {
    player.pause();
    shot.go(shot.number + by_frames);
  };
  by("back").addEventListener("click", () => step(-1));
  by("on").addEventListener("click", () => step(1));
  by("play").addEventListener("click", () => player.toggle());
  by("scrub").addEventListener("input", (event) => {
    player.pause();
    shot.go(Number(event.target.value));
  });
  by("pose").addEventListener("change", (event) => {
    stills.wantsPose = event.target.checked;
    stills.drawPose();
  });
  by("sheet").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    player.pause();
    shot.go(Number(button.dataset.number));
    by("stage").scrollIntoView({ block: "nearest" });
  });
}

const KEYS = {
  ArrowLeft: (shot, player) => (player.pause(), shot.go(shot.number - 1)),
  ArrowRight: (shot, player) => (player.pause(), shot.go(shot.number + 1)),
  Home: (shot, player) => (player.pause(), shot.go(shot.first)),
  End: (shot, player) => (player.pause(), shot.go(shot.first + shot.playable - 1)),
  " ": (shot, player) => player.toggle(),
  k: (shot, player) => player.pause(),
  l: (shot, player) => player.play(player.isPlaying && player.speed > 0 ? Math.min(4, player.speed * 2) : 1),
  j: (shot, player) => player.play(player.isPlaying && player.speed < 0 ? Math.max(-4, player.speed * 2) : -1),
};

function onKey(event, shot, player) {
  const writes = event.target.closest("textarea, select, input:not([type=range]), a, button, pre");
  const isOwn = writes && !(event.target.matches("button") && event.key.startsWith("Arrow"));
  if (isOwn || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("#wipe")) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act(shot, player);
}

function fillSheet(shot) {
  for (const button of by("sheet").children) {
    const number = Number(button.dataset.number);
    if (button.dataset.filled || !shot.isRendered(number)) continue;
    button.dataset.filled = "yes";
    const img = new Image();
    img.loading = "lazy";
    img.alt = `frame ${number}`;
    img.src = `/media/${shot.job}/render/${number}.jpg?width=240`;
    button.querySelector(".thumb").replaceChildren(img);
  }
}

// What the server refuses is said where it was asked.
document.addEventListener("htmx:responseError", (event) => {
  const said = event.target.querySelector?.(".said");
  const text = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  if (said) said.textContent = text.querySelector("main p")?.textContent ?? "that did not work";
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) event.target.querySelector?.(".said")?.replaceChildren();
});

const viewer = by("viewer");
if (viewer) start(viewer);

// What lies under the timeline: how sure the poses are, where shards meet, what is rendered.

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, FOOT] = [1000, 120, 8];

export class Graph {
  constructor(shot, svg, marks, note) {
    Object.assign(this, { shot, svg, marks, note });
    svg.addEventListener("click", (event) => {
      const box = svg.getBoundingClientRect();
      const part = (event.clientX - box.left) / box.width;
      shot.go(shot.first + Math.floor(part * this.count));
    });
    shot.onChange((what) => (what === "timeline" ? this.draw() : this.moveHead()));
  }

  get count() {
    return this.shot.last - this.shot.first + 1;
  }

  x(place) {
    return (place / this.count) * WIDTH;
  }

  draw() {
    const { rendered, confidence, joins, tolerance } = this.shot.timeline;
    const drawn = rendered.map(([start, stop]) => make("rect", {
      class: "done", x: this.x(start), width: this.x(stop) - this.x(start), y: HEIGHT - FOOT, height: FOOT,
    }));
    const worst = Math.max(tolerance * 1.5, ...joins.map((join) => join.block ?? 0));
    const height = (block) => HEIGHT - FOOT - (block / worst) * (HEIGHT - FOOT - 6);
    if (joins.some((join) => join.block !== null)) {
      drawn.push(make("line", { class: "limit", x1: 0, x2: WIDTH, y1: height(tolerance), y2: height(tolerance) }));
    }
    for (const join of joins) {
      const shows = (join.block ?? 0) > tolerance ? " shows" : "";
      const x = this.x(join.number - this.shot.first);
      drawn.push(make("line", { class: `join${shows}`, x1: x, x2: x, y1: HEIGHT, y2: height(join.block ?? worst * 0.12) }));
    }
    if (confidence) {
      const points = confidence.map((value, place) =>
        `${this.x(place + 0.5).toFixed(1)},${(4 + (1 - value) * (HEIGHT - FOOT - 8)).toFixed(1)}`);
      drawn.push(make("polyline", { class: "conf", points: points.join(" ") }));
    }
    this.head = make("line", { class: "head", y1: 0, y2: HEIGHT });
    this.svg.replaceChildren(...drawn, this.head);
    this.note.textContent = confidence ? "" : "poses are not solved yet";
    this.moveHead();
    this.drawMarks(joins, tolerance);
  }

  moveHead() {
    const x = this.x(this.shot.place + 0.5);
    this.head?.setAttribute("x1", x);
    this.head?.setAttribute("x2", x);
  }

  /** The joins as buttons too, for whoever has no mouse. */
  drawMarks(joins, tolerance) {
    const told = JSON.stringify(joins);
    if (told === this.told) return;
    this.told = told;
    this.marks.replaceChildren(...joins.map((join) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `join ${join.number}${describe(join, tolerance)}`;
      button.addEventListener("click", () => this.shot.go(join.number));
      return button;
    }));
  }
}

function describe(join, tolerance) {
  if (join.is_cut) return ", a cut";
  if (join.block === null) return "";
  const mended = join.mended_frames ? `, ${join.mended_frames} mended` : "";
  return `: ${join.block.toFixed(2)}${join.block > tolerance ? " over" : ""}${mended}`;
}

function make(kind, attributes) {
  const element = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

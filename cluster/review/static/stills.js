// The exact frames on the stage while nothing plays, and the poses over them.

const SVG = "http://www.w3.org/2000/svg";

export class Stills {
  constructor(shot, stage, notice) {
    Object.assign(this, { shot, stage, notice, poses: new Map(), wantsPose: false });
    this.layers = ["plate", "render"].map((name) => ({
      name, img: stage.querySelector(`.${name} img`), svg: stage.querySelector(`.${name} svg`),
    }));
    for (const { img, svg } of this.layers) {
      img.addEventListener("load", () => {
        svg.setAttribute("viewBox", `0 0 ${img.naturalWidth} ${img.naturalHeight}`);
        img.classList.add("ready");
        stage.dataset.shown = this.shown();
      });
      img.addEventListener("error", () => img.classList.remove("ready"));
    }
  }

  /** The number of the frame that every layer which can show it shows. */
  shown() {
    const numbers = this.layers.filter((each) => each.img.classList.contains("ready"));
    const wanted = new Set(numbers.map((each) => each.img.dataset.number));
    return wanted.size === 1 ? [...wanted][0] : "";
  }

  show() {
    const number = this.shot.number;
    this.stage.classList.add("still");
    for (const layer of this.layers) {
      const isThere = layer.name === "plate" || this.shot.isRendered(number);
      if (!isThere) {
        layer.img.classList.remove("ready");
        layer.img.removeAttribute("src");
        delete layer.img.dataset.number;
        continue;
      }
      if (layer.img.dataset.number === String(number)) continue;
      layer.img.classList.remove("ready");
      layer.img.dataset.number = number;
      layer.img.src = `/media/${this.shot.job}/${layer.name}/${number}.jpg`;
      layer.img.alt = `frame ${number} of the ${layer.name}`;
    }
    const missing = this.shot.timeline && !this.shot.isRendered(number);
    this.notice.textContent = missing ? `frame ${number} is not rendered yet` : "";
    this.drawPose();
  }

  async drawPose() {
    const number = this.shot.number;
    for (const { svg } of this.layers) svg.replaceChildren();
    if (!this.wantsPose) return;
    const pose = await this.poseOf(number);
    if (!pose || number !== this.shot.number) return;
    for (const [index, limbs] of [pose.performer, pose.subject].entries()) {
      this.layers[index].svg.replaceChildren(...limbs.map(line));
    }
  }

  async poseOf(number) {
    if (!this.poses.has(number)) {
      const answer = await fetch(`/api/jobs/${this.shot.job}/poses/${number}`).catch(() => null);
      if (!answer?.ok) {
        this.notice.textContent = "the job is not solved yet, so it has no poses";
        return null;
      }
      this.poses.set(number, await answer.json());
    }
    return this.poses.get(number);
  }
}

function line(limb) {
  const drawn = document.createElementNS(SVG, "line");
  for (const name of ["x1", "y1", "x2", "y2"]) drawn.setAttribute(name, limb[name]);
  drawn.setAttribute("stroke-opacity", Math.max(0.25, limb.confidence));
  return drawn;
}

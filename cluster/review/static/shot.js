// A shot as the page knows it: which frame is looked at, what is rendered, and whoever listens.

const EVERY_MS = 1500;

export class Shot {
  constructor(job, first, last) {
    Object.assign(this, { job, first, last, number: first, timeline: null });
    this.listeners = [];
  }

  onChange(listener) {
    this.listeners.push(listener);
  }

  /** Look at a frame; one outside the shot is the nearest inside it. */
  go(number) {
    const inside = Math.min(this.last, Math.max(this.first, Math.round(number)));
    if (inside === this.number) return;
    this.number = inside;
    this.tell("frame");
  }

  tell(what) {
    for (const listener of this.listeners) listener(what);
  }

  get place() {
    return this.number - this.first;
  }

  /** The frames from the first one on that are rendered without a gap. */
  get playable() {
    let at = 0;
    for (const [start, stop] of this.ranges()) if (start <= at) at = Math.max(at, stop);
    return at;
  }

  ranges() {
    return this.timeline ? [...this.timeline.rendered].sort((a, b) => a[0] - b[0]) : [];
  }

  isRendered(number) {
    const place = number - this.first;
    return this.ranges().some(([start, stop]) => start <= place && place < stop);
  }

  /** The middle of the time in which a frame is shown, from the first frame on. */
  timeOf(place) {
    const times = this.timeline.times_s;
    const next = place + 1 < times.length ? times[place + 1] : times[place] + 1 / this.timeline.rate;
    return (times[place] + next) / 2 - times[0];
  }

  /** The place of the frame shown at a time. */
  placeAt(time_s) {
    const times = this.timeline.times_s;
    let low = 0;
    let high = times.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (times[middle] - times[0] <= time_s + 1e-4) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  timecode() {
    return this.timeline?.timecodes[this.place] ?? "--:--:--:--";
  }

  /** Ask again and again what is rendered, until the job is over. */
  async follow() {
    for (;;) {
      const answer = await fetch(`/api/jobs/${this.job}/timeline`).catch(() => null);
      if (answer?.ok) {
        this.timeline = await answer.json();
        this.tell("timeline");
        if (this.timeline.is_over) return;
      } else if (answer) {
        this.trouble = (await answer.json().catch(() => ({}))).error ?? `error ${answer.status}`;
        this.tell("trouble");
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }
}

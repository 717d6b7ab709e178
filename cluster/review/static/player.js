// Plays the preview as it grows, the plate beside it; frame by frame when it stands still.

const SEEK_S = 0.004;

export class Player {
  constructor(shot, stage) {
    this.shot = shot;
    this.stage = stage;
    this.render = stage.querySelector(".render video");
    this.plate = stage.querySelector(".plate video");
    this.speed = 1;
    this.isPlaying = false;
    this.isReady = false;
    this.plate.src = `/media/${shot.job}/plate`;
    this.plate.addEventListener("error", () => this.plate.removeAttribute("src"), { once: true });
    this.render.addEventListener("ended", () => this.pause());
    shot.onChange((what) => what === "timeline" && this.attach());
  }

  /** Begin to load the preview once there is any of it. */
  attach() {
    if (this.hls || !this.shot.playable) return;
    const url = `/media/${this.shot.job}/live.m3u8`;
    this.hls = new window.Hls({
      enableWorker: false, startPosition: 0, liveSyncDurationCount: 99999,
      liveMaxLatencyDurationCount: Infinity, maxBufferLength: 120, backBufferLength: Infinity,
    });
    this.hls.on(window.Hls.Events.ERROR, (_, data) => this.mend(data));
    this.hls.on(window.Hls.Events.FRAG_BUFFERED, () => (this.isReady = true));
    this.hls.loadSource(url);
    this.hls.attachMedia(this.render);
  }

  mend(data) {
    if (!data.fatal) return;
    this.hls.destroy();
    this.hls = null;
    this.isReady = false;
    if (this.isPlaying) this.pause();
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.play(1);
  }

  /** Play on from the present frame; J and L make it faster, or go backwards. */
  play(speed) {
    if (!this.isReady) return;
    if (this.shot.place >= this.shot.playable - 1 && speed > 0) this.shot.go(this.shot.first);
    this.speed = speed;
    this.isPlaying = true;
    this.stage.classList.remove("still");
    this.begun = { at: performance.now(), place: this.shot.place };
    this.seek();
    if (speed > 0) {
      for (const video of this.videos()) {
        video.playbackRate = speed;
        video.play().catch(() => this.pause());
      }
    } else for (const video of this.videos()) video.pause();
    this.shot.tell("play");
    this.tick();
  }

  pause() {
    if (!this.isPlaying) return;
    this.isPlaying = false;
    for (const video of this.videos()) video.pause();
    this.shot.tell("play");
    this.shot.tell("frame");
  }

  videos() {
    return this.plate.currentSrc && this.plate.readyState ? [this.render, this.plate] : [this.render];
  }

  seek() {
    const time_s = this.shot.timeOf(this.shot.place);
    this.render.currentTime = time_s;
    if (this.plate.readyState) {
      const [start, times] = [this.plateStart(), this.shot.timeline.times_s];
      this.plate.currentTime = start + times[0] + time_s;
    }
  }

  plateStart() {
    return this.plate.seekable.length ? this.plate.seekable.start(0) : 0;
  }

  tick() {
    if (!this.isPlaying) return;
    const end = this.shot.playable - 1;
    const place = this.speed > 0 ? this.shot.placeAt(this.render.currentTime + SEEK_S) : this.backwards();
    this.shot.go(this.shot.first + Math.min(place, end));
    this.keepTogether();
    if ((this.speed > 0 && place >= end && this.atEnd(end)) || (this.speed < 0 && place <= 0)) {
      this.pause();
      return;
    }
    requestAnimationFrame(() => this.tick());
  }

  /** Near the last finished frame the video may wait for more; where no more comes, that is it. */
  atEnd(end) {
    return this.shot.timeline.is_over || this.render.currentTime + 0.05 >= this.shot.timeOf(end);
  }

  backwards() {
    const passed_s = (performance.now() - this.begun.at) / 1000;
    const place = this.begun.place + Math.ceil(this.speed * passed_s * this.shot.timeline.rate);
    this.render.currentTime = this.shot.timeOf(Math.max(0, place));
    return Math.max(0, place);
  }

  keepTogether() {
    if (!this.plate.readyState || this.plate.seeking || this.speed < 0) return;
    const wished = this.plateStart() + this.shot.timeline.times_s[0] + this.render.currentTime;
    if (Math.abs(this.plate.currentTime - wished) > 0.15) this.plate.currentTime = wished;
  }
}

// The events that the browser keeps, newest first: index 0 is the newest. At most kKept; of more the oldest are let go.
//
// Two plain arrays with the place between them where the page began to follow: `newer` grows with what comes, `older` with what
// is read backwards.

export const kKept = 100_000;

export class EventStore {
  constructor() {
    this.clear();
  }

  clear() {
    this.newer = [];
    this.older = [];
    this.dropped = 0;  // of `newer`, from its front: events that were let go
    this.forgot = false;  // whether the oldest were let go
  }

  get size() {
    return this.newer.length - this.dropped + this.older.length;
  }

  at(index) {
    const fromFront = this.newer.length - 1 - index;
    return fromFront >= this.dropped ? this.newer[fromFront] : this.older[index - (this.newer.length - this.dropped)];
  }

  // Oldest first, all behind what there is.
  addNewer(events) {
    for (const event of events) this.newer.push(event);
    let tooMany = this.size - kKept;
    if (tooMany <= 0) return;
    this.forgot = true;
    const older = Math.min(tooMany, this.older.length);
    this.older.length -= older;
    tooMany -= older;
    for (let i = 0; i < tooMany; ++i) this.newer[this.dropped++] = undefined;
    if (this.dropped > kKept / 4) {
      this.newer = this.newer.slice(this.dropped);
      this.dropped = 0;
    }
  }

  // Newest first, all before what there is. False: there is no room.
  addOlder(events) {
    for (const event of events) {
      if (this.size >= kKept) return false;
      this.older.push(event);
    }
    return true;
  }

  // The index of the event with this sequence, or -1.
  find(sequence) {
    let low = 0;
    let high = this.size - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.at(middle).sequence;
      if (found === sequence) return middle;
      if (found > sequence) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}

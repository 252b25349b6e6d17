// The page's one wall clock, read once a second. Everything that shows an age depends on it.
class Ticker {
  now = $state(Date.now());

  start(): () => void {
    const timer = setInterval(() => (this.now = Date.now()), 1000);
    return () => clearInterval(timer);
  }
}

export const ticker = new Ticker();

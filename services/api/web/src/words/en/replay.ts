// Looking back: what was known at an earlier moment.
import type { Phrase } from '../phrase';

export const replay = {
  replay_title: 'What did we know at …',
  replay_what: 'The page as it could have been seen at an earlier moment: no later calls, no later versions, nobody’s later deeds.',
  replay_controls: 'Replay',
  replay_play: 'Play',
  replay_pause: 'Pause',
  replay_speed: 'Speed',
  replay_times: '{n} times as fast',
  replay_moment: 'Moment shown',
  replay_jump_to: 'Jump to',
  replay_back_hour: '1 hour back',
  replay_back: '5 minutes back',
  replay_on: '5 minutes on',
  replay_on_hour: '1 hour on',
  replay_previous: 'Previous change',
  replay_next: 'Next change',
  replay_span: 'The last',
  replay_open: { one: '{n} open alert was known', other: '{n} open alerts were known' },
  replay_none: 'No alert was open then, as far as was known.',
  replay_end: 'This is now.',
  replay_lanes: { one: '{n} alert in this time', other: '{n} alerts in this time' },
  replay_map_key: 'Replay: play and pause',
} satisfies Record<string, Phrase>;

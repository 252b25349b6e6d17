import type { replay as english } from '../en/replay';
import type { Like } from '../phrase';

export const replay: Like<typeof english> = {
  replay_title: 'Que savions-nous alors ?',
  replay_what: 'La page telle qu’on aurait pu la voir plus tôt : sans appels, versions ni gestes ultérieurs.',
  replay_controls: 'Relecture',
  replay_play: 'Lecture',
  replay_pause: 'Pause',
  replay_speed: 'Vitesse',
  replay_times: '{n} fois plus vite',
  replay_moment: 'Moment affiché',
  replay_jump_to: 'Aller à',
  replay_back_hour: '1 heure plus tôt',
  replay_back: '5 minutes plus tôt',
  replay_on: '5 minutes plus tard',
  replay_on_hour: '1 heure plus tard',
  replay_previous: 'Changement précédent',
  replay_next: 'Changement suivant',
  replay_span: 'Depuis',
  replay_open: { one: '{n} alerte ouverte était connue', many: '{n} d’alertes ouvertes étaient connues', other: '{n} alertes ouvertes étaient connues' },
  replay_none: 'Aucune alerte n’était ouverte, pour autant qu’on le savait.',
  replay_end: 'C’est maintenant.',
  replay_lanes: { one: '{n} alerte pendant ce temps', many: '{n} d’alertes pendant ce temps', other: '{n} alertes pendant ce temps' },
  replay_map_key: 'Relecture : lecture et pause',
};

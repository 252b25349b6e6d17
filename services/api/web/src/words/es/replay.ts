import type { replay as english } from '../en/replay';
import type { Like } from '../phrase';

export const replay: Like<typeof english> = {
  replay_title: '¿Qué sabíamos entonces?',
  replay_what: 'La página como se habría visto antes: sin llamadas, versiones ni acciones posteriores.',
  replay_controls: 'Repetición',
  replay_play: 'Reproducir',
  replay_pause: 'Pausa',
  replay_speed: 'Velocidad',
  replay_times: '{n} veces más rápido',
  replay_moment: 'Momento mostrado',
  replay_jump_to: 'Ir a',
  replay_back_hour: '1 hora antes',
  replay_back: '5 minutos antes',
  replay_on: '5 minutos después',
  replay_on_hour: '1 hora después',
  replay_previous: 'Cambio anterior',
  replay_next: 'Cambio siguiente',
  replay_span: 'Desde hace',
  replay_open: { one: 'Se conocía {n} alerta abierta', many: 'Se conocían {n} de alertas abiertas', other: 'Se conocían {n} alertas abiertas' },
  replay_none: 'No había ninguna alerta abierta, hasta donde se sabía.',
  replay_end: 'Esto es ahora.',
  replay_lanes: { one: '{n} alerta en este tiempo', many: '{n} de alertas en este tiempo', other: '{n} alertas en este tiempo' },
  replay_map_key: 'Repetición: reproducir y pausar',
};

// Who is signed in, and whom an alert can be given to.
import type { Me, Person } from '../contract';
import { Problem, request, requestAll } from '../net/http';

class People {
  me = $state.raw<Me | null>(null);
  /** Null until asked for. */
  others = $state.raw<Person[] | null>(null);

  get canAct(): boolean {
    return this.me?.can.includes('act') ?? false;
  }

  can(what: string): boolean {
    return this.me?.can.includes(what) ?? false;
  }

  async load(): Promise<void> {
    this.me = await request<Me>('v1/me');
  }

  async loadOthers(): Promise<void> {
    try {
      this.others = await requestAll<Person>('v1/people');
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.others ??= [];
    }
  }
}

export const people = new People();

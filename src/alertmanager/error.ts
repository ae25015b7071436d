/** Alertmanager could not be asked, or said what can't be read. The message is for people. */
export class AlertmanagerError extends Error {
  override name = 'AlertmanagerError';
}

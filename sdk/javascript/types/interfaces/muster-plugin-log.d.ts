declare module 'muster:plugin/log@1.0.0' {
  /**
   * Writes one line, marked with the plug-in's application and version. Lines of more than 4 KiB
   * are cut; after 64 KiB in one call the rest is dropped, and that is logged once.
   */
  export function log(level: LogLevel, text: string): void;
  /**
   * # Variants
   * 
   * ## `"debug"`
   * 
   * ## `"info"`
   * 
   * ## `"warning"`
   * 
   * ## `"error"`
   */
  export type LogLevel = 'debug' | 'info' | 'warning' | 'error';
}

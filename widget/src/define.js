/** Registers `<candor-chat>`. Loading it twice does nothing. */

// In this order what looks alike stands together in the file that is served, and compresses best.
import './dom.js';
import './storage.js';
import './render.js';
import './annotate.js';
import './client.js';
import './later.js';
import './conversation.js';
import './feedback.js';
import './turn.js';
import './passage.js';
import { CandorChat } from './element.js';

if (!customElements.get('candor-chat')) customElements.define('candor-chat', CandorChat);

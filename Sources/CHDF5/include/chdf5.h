/* CHDF5 */

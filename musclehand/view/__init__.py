"""A hand model in the browser: move its joints, excite its muscles, look up its moment arms."""

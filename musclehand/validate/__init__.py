"""Is a hand model stable, anatomical and strong enough? One function a check, on any hand."""

from django.urls import path

from apps.rag.profiles import views

urlpatterns = [
    path("settings/indexes/", views.index_list, name="index-list"),
    path("settings/indexes/new/", views.index_new, name="index-new"),
    path("settings/indexes/back/", views.index_back, name="index-back"),
    path("settings/indexes/<uuid:profile_id>/progress/", views.index_progress, name="index-progress"),
    path("settings/indexes/<uuid:profile_id>/pause/", views.index_stop, name="index-pause"),
    path("settings/indexes/<uuid:profile_id>/resume/", views.index_go_on, name="index-resume"),
    path("settings/indexes/<uuid:profile_id>/switch/", views.index_switch, name="index-switch"),
    path("settings/indexes/<uuid:profile_id>/drop/", views.index_delete, name="index-drop"),
]
